"""Redis stores on servers of tests, and waiting until they know what became of their server."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from kikao.sessions.store import StoreUnavailable
from kikao.sessions.stores.redis import RedisStore
from tests.engines.valkey import Cluster, Valkey, unhurried
from tests.sessions.store_contract import NOW
from tests.waiting import until

SHORT = "timeout=1&connect_timeout=2"
"""For those who wait for a server that does not answer."""


@contextlib.asynccontextmanager
async def opened(url: str) -> AsyncIterator[RedisStore]:
    store = RedisStore(unhurried(url))
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def refusals(store: RedisStore, text: str) -> None:
    """Ask until the store says this of why it cannot answer, and raise that."""

    async def refused() -> bool:
        try:
            await store.due(now=NOW, limit=1)
        except StoreUnavailable as error:
            if text in str(error):
                raise
        return False

    await until(refused, f"a refusal that says {text!r}")


async def until_it_is_back(store: RedisStore) -> None:
    async def there() -> bool:
        with contextlib.suppress(StoreUnavailable):
            await store.due(now=NOW, limit=1)
            return True
        return False

    await until(there, "the store to be back")


async def keys(server: Valkey, pattern: bytes) -> list[bytes]:
    found: list[bytes] = server.ask("KEYS", pattern)
    return found


def all_keys(cluster: Cluster) -> list[bytes]:
    return [key for node in cluster.masters for key in node.ask("KEYS", "*")]
