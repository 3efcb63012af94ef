"""The bus that `KIKAO_BUS` names. Clients are loaded when one needs them."""

from __future__ import annotations

from kikao.bus.fanout import Fanout
from kikao.bus.memory import MemoryFanout
from kikao.config.urls import kind, shown


class BusRefused(Exception):
    """The bus cannot be used as it is set, and what to do."""


def make_fanout(where: str) -> Fanout:
    """The bus at an address, as the settings have it.

    Raises `BusRefused` for an address that is none, and where its client is not installed.
    """
    of = kind(where)
    if of in ("memory", "sqlite"):  # settings name no file
        return MemoryFanout()
    from kikao.bus.networked import NetworkedFanout

    try:
        if of == "postgresql":
            from kikao.bus.postgresql import dialer
        else:
            from kikao.bus.redis import dialer
    except ModuleNotFoundError as error:
        raise BusRefused(
            f"KIKAO_BUS: {of} needs {error.name}, which is not installed. "
            f"Run beside a checkout of kikao: pip install './kikao[{of}]'"
        ) from error
    try:
        return NetworkedFanout(dialer(where), shown(where))
    except ValueError as error:
        raise BusRefused(f"KIKAO_BUS: {error}. See docs/reference/settings.md.") from None
