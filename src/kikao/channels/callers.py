"""What calls the gateways of the settings over HTTP. What connects is imported only where there are any."""

from __future__ import annotations

import contextlib

from kikao.channels.calling import Make
from kikao.config import Hidden, SettingsError


def caller(
    url: str,
    *,
    settings: str,
    called: str,
    timeout: float,
    connections: int,
    stack: contextlib.AsyncExitStack,
) -> Make:
    """Makes the calls to one host; `stack` closes its connections. `timeout` is in seconds, see `Caller`.

    Raises `SettingsError` where httpcore is not installed: `settings` are those for which, `called` is whom, it is
    needed.
    """
    try:
        from kikao.channels.caller import Caller
    except ImportError as error:
        raise SettingsError(
            [
                f"{settings}: {called} is called over HTTP, which needs {error.name}, which is not installed. "
                "Run beside a checkout of kikao: pip install './kikao[webhooks]'"
            ]
        ) from None
    made = Caller(Hidden(url.encode()), timeout=timeout, connections=connections)
    stack.push_async_callback(made.close)
    return made
