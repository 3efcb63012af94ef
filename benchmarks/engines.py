"""The stores that are measured: memory and SQLite, and whatever server a development environment has binaries of.

A server is started when it is first asked for, with a folder of its own, and ends with the benchmark.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Any, Final

import pytest
import redis

from benchmarks.environments import NotHere
from kikao.sessions.store import SessionStore
from kikao.sessions.stores.memory import MemoryStore
from kikao.sessions.stores.postgresql import PostgreSQLStore
from kikao.sessions.stores.postgresql.migrations import migrate
from kikao.sessions.stores.redis import RedisStore
from kikao.sessions.stores.sqlite import SQLiteStore

DURABLE: Final = ("fsync=on", "full_page_writes=on", "synchronous_commit=on", "shared_buffers=256MB")
"""Unlike in tests, a commit of PostgreSQL is on the disk."""

NAMES: Final = ("memory", "SQLite FULL", "PostgreSQL", "Valkey", "Redis 8")


class Engines:
    """Stores by name. `folder` is for what they keep."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._started: dict[str, Any] = {}
        self._numbers = count()

    def folder(self, name: str) -> Path:
        """A new one."""
        made = self._folder / f"{name}-{next(self._numbers)}"
        made.mkdir()
        return made

    def url(self, name: str, *, database: int = 0) -> str:
        """A store with nothing in it. Raises `NotHere` where the machine has none.

        Of a server of Redis the numbered `database` is emptied.
        """
        if name == "memory":
            return "memory:"
        if name == "SQLite FULL":
            return f"sqlite:///{self.folder('sqlite') / 'sessions.db'}"
        server = self._server(name)
        if name == "PostgreSQL":
            url = str(server.database())
            asyncio.run(migrate(url))
            return url
        url = f"{server.url}/{database}"
        with redis.Redis.from_url(url) as client:
            client.flushdb()
        return url

    def _server(self, name: str) -> Any:
        if name not in self._started:
            server = self._made(name)
            try:
                server.start()
            except pytest.skip.Exception as missing:
                raise NotHere(str(missing)) from None
            self._stack.callback(server.remove)
            self._started[name] = server
        return self._started[name]

    def _made(self, name: str) -> Any:
        folder = self.folder(name.replace(" ", ""))
        if name == "PostgreSQL":
            from tests.engines.postgresql import PostgreSQL

            return PostgreSQL(folder, options=DURABLE)
        from tests.engines.valkey import Redis, Valkey

        return (Redis if name == "Redis 8" else Valkey)(folder)


@contextmanager
def engines(folder: Path) -> Iterator[Engines]:
    """The stores, until the end of a `with`."""
    with ExitStack() as stack:
        yield Engines(folder, stack)


def store_at(url: str) -> SessionStore:
    """The store of kikao at a URL."""
    scheme = url.partition(":")[0]
    if scheme == "memory":
        return MemoryStore()
    if scheme == "sqlite":
        return SQLiteStore(Path(url.removeprefix("sqlite:///")))
    return PostgreSQLStore(url) if scheme == "postgresql" else RedisStore(url)
