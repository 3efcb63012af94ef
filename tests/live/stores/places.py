"""The stores that the contract holds for, each with a way to let time pass and to lose what it has."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Final, Protocol

import asyncpg
import redis.asyncio

from kikao.live.stores.memory import MemoryLive
from kikao.live.stores.postgresql import PostgreSQLLive
from kikao.live.stores.redis import RedisLive
from kikao.live.stores.redis.connecting import partition_of
from kikao.live.stores.sealed import Sealed, _name, scope_of
from kikao.live.stores.sqlite import SQLiteLive
from kikao.live.stores.store import LEASE, LiveStore
from kikao.sessions.sealing import KeyRing
from tests.engines.valkey import unhurried
from tests.waiting import PATIENCE

BRIEF: Final = 0.03
"""Seconds of what is to be over soon: servers count for themselves, and tests wait for it."""

LONG: Final = 1000.0
"""Seconds of what is to last for the whole test."""


class Place(Protocol):
    """Where one store is kept."""

    def client(self) -> AbstractAsyncContextManager[LiveStore]:
        """That of one more process."""
        ...

    async def passes(self, seconds: float) -> None:
        """At least so many seconds go by."""
        ...

    async def lapse(self, node: str, *, alive: Collection[str] = ()) -> None:
        """The lease of a node is over, those of others go on."""
        ...

    async def has(self, store: LiveStore, streams: Sequence[str]) -> int:
        """How many of these streams take a place in it; `store` is a client."""
        ...


class Clock:
    """Counts, and says when it is; stands still until told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class OneProcess:
    """All clients are the same, and time is told."""

    def __init__(self, make: Callable[[Clock, Callable[[], float]], LiveStore]) -> None:
        self.clock = Clock()
        self._store = make(self.clock, lambda: 1e9 + self.clock())
        self._clients = 0

    @asynccontextmanager
    async def client(self) -> AsyncIterator[LiveStore]:
        self._clients += 1
        await self._store.open()
        try:
            yield self._store
        finally:
            self._clients -= 1
            if not self._clients:
                await self._store.close()

    async def passes(self, seconds: float) -> None:
        self.clock.now += seconds

    async def lapse(self, node: str, *, alive: Collection[str] = ()) -> None:
        self.clock.now += LEASE
        for other in alive:
            await self._store.beat(other)

    async def has(self, store: LiveStore, streams: Sequence[str]) -> int:
        if isinstance(store, MemoryLive):
            return len(store._streams.keys() & set(streams))
        assert isinstance(store, SQLiteLive)
        return int(store._file._read("SELECT count(*) FROM streams")[0][0])  # of this test alone


def memory() -> Place:
    return OneProcess(lambda clock, wall: MemoryLive(clock=clock, wall=wall))


def sqlite(path: Path) -> Place:
    ring = KeyRing({"k1": os.urandom(32)})
    return OneProcess(lambda clock, wall: SQLiteLive(path, ring, clock=clock, wall=wall))


class Server:
    """One that processes share: each client is a process, and time passes as it does."""

    def __init__(self, url: str, keys: Mapping[str, bytes] | None = None) -> None:
        self.url = url
        self.keys = keys or {"k1": os.urandom(32)}
        self.ring = KeyRing(self.keys)

    def make(self, lease: float, patience: float) -> LiveStore:
        """A store that is not sealed."""
        raise NotImplementedError

    async def wipe(self) -> None:
        """Whatever was kept is gone."""
        raise NotImplementedError

    async def has(self, store: LiveStore, streams: Sequence[str]) -> int:
        return await self.counted(store, [_name(self.ring, "stream", each).hex() for each in streams])

    async def counted(self, store: LiveStore, names: Sequence[str]) -> int:
        """How many streams of these names there are."""
        raise NotImplementedError

    @asynccontextmanager
    async def client(
        self, *, lease: float = LEASE, patience: float = PATIENCE, ring: KeyRing | None = None
    ) -> AsyncIterator[LiveStore]:
        store = Sealed(self.make(lease, patience), ring or self.ring)
        await store.open()
        try:
            yield store
        finally:
            await store.close()

    async def passes(self, seconds: float) -> None:
        await asyncio.sleep(seconds + 0.01)  # servers count in milliseconds

    async def lapse(self, node: str, *, alive: Collection[str] = ()) -> None:
        async with self.client(lease=BRIEF) as hasty:
            await hasty.beat(node)
        await self.passes(BRIEF)


class Redis(Server):
    """A name of its own on a server, behind Sentinels, or in a Cluster."""

    def make(self, lease: float, patience: float) -> LiveStore:
        return RedisLive(unhurried(self.url), scope=scope_of(self.ring), lease=lease, patience=patience)

    async def wipe(self) -> None:
        async with redis.asyncio.Redis.from_url(self.url) as client:
            async for key in client.scan_iter(f"*{scope_of(self.ring)}*"):
                await client.delete(key)

    async def counted(self, store: LiveStore, names: Sequence[str]) -> int:
        assert isinstance(store, Sealed)
        assert isinstance(store._shared, RedisLive)
        at = store._shared._at
        return sum([await at.plain(b"EXISTS", partition_of(name), f":s:{name}") for name in names])


class PostgreSQL(Server):
    """A database."""

    def make(self, lease: float, patience: float) -> LiveStore:
        return PostgreSQLLive(self.url, scope=scope_of(self.ring), lease=lease, patience=patience)

    async def wipe(self) -> None:
        connection = await asyncpg.connect(self.url)
        for table in ("nodes", "topics", "entries", "streams", "messages", "log_outs"):
            await connection.execute(f"DELETE FROM kikao_live.{table}")
        await connection.close()

    async def counted(self, store: LiveStore, names: Sequence[str]) -> int:
        connection = await asyncpg.connect(self.url)
        try:
            asked = "SELECT count(*) FROM kikao_live.streams WHERE stream = ANY ($1::text[])"
            return int(await connection.fetchval(asked, list(names)))
        finally:
            await connection.close()
