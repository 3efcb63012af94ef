"""The webhooks of the settings as destinations of the outbox. What connects is imported only where there are any."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping

from kikao.channels.outbox.sender import Destination, Pace
from kikao.config import SettingsError
from kikao.config.settings import WebhookSettings
from kikao.conversation.posting import WEBHOOK


def webhooks(
    settings: Mapping[str, WebhookSettings],
    clock: Callable[[], float],
    stack: contextlib.AsyncExitStack,
) -> dict[str, Destination]:
    """By full name; `stack` closes their connections. Raises `SettingsError` where httpcore is not installed."""
    if not settings:
        return {}
    try:
        from kikao.channels.webhook.sender import Webhook
    except ImportError as error:
        raise SettingsError(
            [
                f"[webhooks] needs {error.name}, which is not installed. "
                "Run beside a checkout of kikao: pip install './kikao[webhooks]'"
            ]
        ) from None
    found = {}
    for name, of in settings.items():
        sender = Webhook(of.url, of.secrets, timeout=float(of.timeout), clock=clock)
        stack.push_async_callback(sender.close)
        found[WEBHOOK + name] = Destination(
            sender=sender,
            pace=Pace(of.interval, of.burst) if of.interval else None,
            timeout=float(of.timeout),
        )
    return found
