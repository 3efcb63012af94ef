"""What a turn costs on the client's side of each store: one claim and one commit, beside the least a client can do.

The least is what a program does that keeps a session under a key and trusts everybody: read it, write it. No lease, no
version, no dedupe record. 32 members at once, since that is what lets a client put commands together.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any, Final

from benchmarks.engines import store_at
from benchmarks.stores import ADDRESS, EXPIRY, REPLY, STATE, key_of
from benchmarks.subjects import Prepare, Work
from kikao.sessions.store import Claim, Dedupe, Write

AT_ONCE: Final = 32
KEYS: Final = [key_of(number) for number in range(1000)]

Turn = Callable[[bytes], Awaitable[None]]


def by_many(turn: Turn) -> Prepare:
    """Turns of as many members at once."""
    places = count()

    def prepare(units: int) -> Work:
        keys = [KEYS[next(places) % len(KEYS)] for _ in range(units)]

        async def member(number: int) -> None:
            for key in keys[number::AT_ONCE]:
                await turn(key)

        async def work() -> None:
            await asyncio.gather(*(member(number) for number in range(AT_ONCE)))

        return work

    return prepare


@asynccontextmanager
async def kikao(url: str) -> AsyncIterator[Prepare]:
    """A claim, and a commit with its dedupe record, on a store of kikao."""
    store = store_at(url)
    await store.open()

    async def turn(key: bytes) -> None:
        now, name = time.time(), os.urandom(32)
        claim = await store.claim(key, name, now=now, lease=15.0, wait=1.0)
        assert isinstance(claim, Claim), claim
        version = 0 if claim.record is None else claim.record.version
        dedupe = Dedupe(name, REPLY, now + EXPIRY)
        await store.commit(Write(key, claim.fence, version, now + EXPIRY, STATE, ADDRESS, dedupe))

    yield by_many(turn)
    await store.close()


@asynccontextmanager
async def least(url: str) -> AsyncIterator[Prepare]:
    """One read and one write by key, with the client that kikao uses."""
    async with raw(url) as turn:
        yield by_many(turn)


@asynccontextmanager
async def raw(url: str, *, reads: bool = True) -> AsyncIterator[Turn]:
    """The least that a client does with the store at a URL, for keys of `KEYS`. SQLite need not read."""
    scheme = url.partition(":")[0]
    if scheme == "memory":
        yield _memory()
    elif scheme == "sqlite":
        yield _sqlite(Path(url.removeprefix("sqlite:///")), reads=reads)
    else:
        async with _postgresql(url) if scheme == "postgresql" else _redis(url) as turn:
            yield turn


def _memory() -> Turn:
    kept: dict[bytes, bytes] = {}

    async def turn(key: bytes) -> None:
        kept[key] = (kept.get(key) or STATE)[:]

    return turn


def _sqlite(file: Path, *, reads: bool) -> Turn:
    """In the event loop: a read, and a transaction of one write that is on the disk when it returns."""
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE sessions (key BLOB PRIMARY KEY, state BLOB NOT NULL)")

    async def turn(key: bytes) -> None:
        if reads:
            connection.execute("SELECT state FROM sessions WHERE key = ?", (key,)).fetchone()
        connection.execute(
            "INSERT INTO sessions VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET state = excluded.state",
            (key, STATE),
        )

    return turn


@asynccontextmanager
async def _postgresql(url: str) -> AsyncIterator[Turn]:
    """Prepared statements on connections of a list: asyncpg's own pool costs as much again."""
    asyncpg: Any = importlib.import_module("asyncpg")
    free: list[tuple[Any, Any, Any]] = []
    waiting = asyncio.Semaphore(8)
    connections = [await asyncpg.connect(url) for _ in range(8)]
    await connections[0].execute("CREATE TABLE kept (key bytea PRIMARY KEY, state bytea NOT NULL)")
    await connections[0].executemany("INSERT INTO kept VALUES ($1, $2)", [(key, STATE) for key in KEYS])
    for connection in connections:
        read = await connection.prepare("SELECT state FROM kept WHERE key = $1")
        write = await connection.prepare("UPDATE kept SET state = $2 WHERE key = $1")
        free.append((connection, read, write))

    async def turn(key: bytes) -> None:
        async with waiting:
            taken = free.pop()
            try:
                await taken[1].fetchval(key)
                await taken[2].fetch(key, STATE)
            finally:
                free.append(taken)

    yield turn
    for connection in connections:
        await connection.close()


@asynccontextmanager
async def _redis(url: str) -> AsyncIterator[Turn]:
    """One GET and one SET, as its documentation writes them."""
    import redis.asyncio

    client = redis.asyncio.Redis.from_url(url)

    async def turn(key: bytes) -> None:
        await client.get(key)
        await client.set(key, STATE)

    yield turn
    await client.aclose()
