"""The stores that the suite tries: a server of its own for each, and an address for the proxy to stand before."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import msgspec

from tests.engines.postgresql import PostgreSQL
from tests.engines.valkey import Redis, Valkey


class Ground(msgspec.Struct):
    """A store at work."""

    name: str
    url: str
    """For `KIKAO_STORE`; empty for SQLite in the data folder."""
    target: str = ""
    """host:port of its server."""
    server: Valkey | PostgreSQL | None = None

    def through(self, address: str) -> str:
        """The same store behind a proxy."""
        return self.url.replace(self.target, address)


SQLITE: Final = Ground("SQLite", "")


@contextlib.contextmanager
def sqlite(folder: Path) -> Iterator[Ground]:
    yield SQLITE


async def prepare(url: str) -> None:
    """What `kikao migrate` does with the store."""
    from kikao.sessions.stores.postgresql import migrate

    await migrate(url)


@contextlib.contextmanager
def postgresql(folder: Path) -> Iterator[Ground]:
    folder.mkdir()
    server = PostgreSQL(folder)
    server.start()
    try:
        url = server.database()
        with ThreadPoolExecutor(1) as aside:  # there may be an event loop in this thread
            aside.submit(lambda: asyncio.run(prepare(url))).result()
        yield Ground("PostgreSQL", url, f"127.0.0.1:{server.port}", server)
    finally:
        server.remove()


@contextlib.contextmanager
def _redis(folder: Path, kind: type[Valkey]) -> Iterator[Ground]:
    server = kind(folder / "server")
    server.start()
    try:
        yield Ground(server.title, f"{server.url}/0", f"127.0.0.1:{server.port}", server)
    finally:
        server.remove()


@contextlib.contextmanager
def valkey(folder: Path) -> Iterator[Ground]:
    with _redis(folder, Valkey) as ground:
        yield ground


@contextlib.contextmanager
def redis(folder: Path) -> Iterator[Ground]:
    with _redis(folder, Redis) as ground:
        yield ground


Make = Callable[[Path], contextlib.AbstractContextManager[Ground]]

GROUNDS: Final[dict[str, Make]] = {
    "SQLite": sqlite,
    "PostgreSQL": postgresql,
    "Valkey": valkey,
    "Redis": redis,
}
