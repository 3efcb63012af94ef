"""PostgreSQL: what another transaction commits in the middle of a claim."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from kikao.sessions.store import Claim, Dedupe, Duplicate, Write
from kikao.sessions.stores.postgresql import PostgreSQLStore, migrate
from tests.engines.postgresql import PostgreSQL

KEY, NAME = b"k" * 16, b"m" * 16
NOW = 1_000_000.0


async def test_a_copy_that_waits_for_the_lease_gets_the_reply_that_was_committed_meanwhile(
    postgresql: PostgreSQL,
) -> None:
    import asyncpg

    url = await asyncio.to_thread(postgresql.database)
    await migrate(url)
    mine, other = PostgreSQLStore(url), PostgreSQLStore(url)
    await mine.open()
    await other.open()
    first = await mine.claim(KEY, NAME, now=NOW, lease=15.0, wait=0.0)
    assert isinstance(first, Claim)
    held = await asyncpg.connect(url)
    try:
        async with (
            held.transaction()
        ):  # whoever takes the lease now waits for this row, after it looked for a reply
            await held.execute("UPDATE kikao.leases SET until = 0 WHERE key = $1", KEY)
            copy = asyncio.create_task(other.claim(KEY, NAME, now=NOW, lease=15.0, wait=0.0))
            await blocked(held)
            dedupe = Dedupe(NAME, b"reply", NOW + 600)
            await mine.commit(Write(KEY, first.fence, 0, NOW + 300, b"state", b"address", dedupe))
        assert await copy == Duplicate(b"reply")
        again = await other.claim(KEY, b"n" * 16, now=NOW, lease=15.0, wait=0.0)
        assert isinstance(again, Claim), "a copy holds no lease"
        assert again.fence > first.fence
    finally:
        await held.close()
        await mine.close()
        await other.close()


async def blocked(connection: Any) -> None:
    """Wait until somebody waits for a lock."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    began = time.monotonic()
    while not await connection.fetchval(query):
        assert time.monotonic() < began + 20, "nobody waits"
