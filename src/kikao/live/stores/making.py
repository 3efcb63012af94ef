"""The live store that `KIKAO_BUS` names. Clients are loaded when one needs them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from kikao.bus import BusRefused
from kikao.config import Settings
from kikao.live.stores.memory import MemoryLive
from kikao.live.stores.store import LiveStore
from kikao.sessions.sealing import KeyRing
from kikao.sessions.store import StoreRefused

FILE: Final = "live.db"
"""In `KIKAO_DATA`: streams and log-outs, where one process has all of it and its sessions are in a file, too."""


def make_live_store(settings: Settings, ring: KeyRing, *, wall: Callable[[], float] = time.time) -> LiveStore:
    """What processes know of live sessions, kept beside the bus; not open yet.

    `ring` is that of the session store once it is open (`Sessions.ring`), which decides on the look-up key; `wall` says
    when it is, where no server does. Raises `BusRefused` where a client is not installed, and for an address that is
    none.
    """
    where = settings.bus
    if where.kind in ("memory", "sqlite"):  # as `make_fanout`: settings name no file
        if settings.store.kind != "sqlite":
            return MemoryLive(wall=wall)
        from kikao.live.stores.sqlite import SQLiteLive

        return SQLiteLive(settings.data / FILE, ring, wall=wall)
    from kikao.live.stores.sealed import Sealed, scope_of

    try:
        if where.kind == "postgresql":
            from kikao.live.stores.postgresql import PostgreSQLLive

            return Sealed(PostgreSQLLive(where, scope=scope_of(ring)), ring)
        from kikao.live.stores.redis import RedisLive

        return Sealed(RedisLive(where, scope=scope_of(ring)), ring)
    except ModuleNotFoundError as error:
        raise BusRefused(_missing(where.kind, (error.name or where.kind).partition(".")[0])) from error
    except StoreRefused as error:  # asyncpg is loaded late
        raise BusRefused(_missing(where.kind, "asyncpg")) from error
    except ValueError as error:
        raise BusRefused(f"KIKAO_BUS: {error}. See docs/reference/settings.md.") from None


def _missing(kind: str, client: str) -> str:
    return (
        f"KIKAO_BUS: {kind} needs {client}, which is not installed. "
        f"Run beside a checkout of kikao: pip install './kikao[{kind}]'"
    )
