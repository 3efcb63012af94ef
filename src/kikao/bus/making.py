"""The bus that `KIKAO_BUS` names. Clients are loaded when one needs them."""

from __future__ import annotations

from typing import Literal

from kikao.bus.fanout import Fanout
from kikao.bus.memory import MemoryFanout


class BusRefused(Exception):
    """The bus cannot be used as it is set, and what to do."""


def make_fanout(where: str, kind: Literal["memory", "sqlite", "postgresql", "redis"], shown: str) -> Fanout:
    """A bus at an address; `shown` is what may be told of it. Raises `BusRefused` when its client is not installed."""
    if kind in ("memory", "sqlite"):  # settings name no file
        return MemoryFanout()
    from kikao.bus.networked import NetworkedFanout

    try:
        if kind == "postgresql":
            from kikao.bus.postgresql import dialer
        else:
            from kikao.bus.redis import dialer
    except ModuleNotFoundError as error:
        raise BusRefused(
            f"KIKAO_BUS: {kind} needs {error.name}, which is not installed. Run: pip install 'kikao[{kind}]'"
        ) from error
    return NetworkedFanout(dialer(where), shown)
