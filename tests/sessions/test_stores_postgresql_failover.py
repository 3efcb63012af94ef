"""PostgreSQL with a synchronous standby: the primary is lost under load, and nothing that was acknowledged."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from kikao.sessions.store import Claim, CommitUnknown, Conflict, StoreUnavailable
from kikao.sessions.stores.postgresql import PostgreSQLStore, migrate
from tests.engines.postgresql import PostgreSQL, Standby
from tests.sessions.store_contract import LEASE, NOW, everything, written


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[PostgreSQL, Standby]]:
    """A primary, and a standby that has everything before a commit is acknowledged."""
    for name in ("primary", "standby"):
        (tmp_path / name).mkdir()
    primary = PostgreSQL(tmp_path / "primary", options=Standby.REPLICATED)
    standby = Standby(tmp_path / "standby", primary)
    try:
        primary.start()
        standby.start()
        primary.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        primary.execute("SELECT pg_reload_conf()")
        while primary.execute("SELECT sync_state FROM pg_stat_replication") != [("sync",)]:
            pass
        yield primary, standby
    finally:
        standby.remove()
        primary.remove()


async def test_a_failover_to_a_synchronous_standby_forgets_nothing(pair: tuple[PostgreSQL, Standby]) -> None:
    primary, standby = pair
    url = await asyncio.to_thread(primary.database)
    await migrate(url)
    store = PostgreSQLStore(url.replace(f":{primary.port}/", f":{primary.port},127.0.0.1:{standby.port}/"))
    await store.open()
    acknowledged: dict[bytes, int] = {}
    over = False

    async def member(key: bytes) -> None:
        for turn in itertools.count():
            if over:
                return
            try:
                claim = await store.claim(key, None, now=NOW + turn * LEASE, lease=LEASE, wait=0)
                assert isinstance(claim, Claim)
                version = 0 if claim.record is None else claim.record.version
                assert version >= acknowledged.get(key, 0)
                await store.commit(written(claim))
                acknowledged[key] = version + 1
            except (StoreUnavailable, CommitUnknown, Conflict):
                await asyncio.sleep(0.01)

    async def more(turns: int) -> None:
        wanted = sum(acknowledged.values()) + turns
        while sum(acknowledged.values()) < wanted:  # noqa: ASYNC110 - a server tells nobody that it is back
            await asyncio.sleep(0.002)

    members = [asyncio.create_task(member(secrets.token_bytes(8))) for _ in range(20)]
    async with asyncio.timeout(60):
        await more(200)
        await asyncio.to_thread(primary.kill)
        await asyncio.to_thread(standby.promote)
        await more(100)
    over = True
    await asyncio.gather(*members)
    stored = {record.key: record.version for record in await everything(store)}
    await store.close()
    assert all(stored[key] >= version for key, version in acknowledged.items())
