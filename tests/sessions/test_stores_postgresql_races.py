"""PostgreSQL: what another transaction does in the middle of a question."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kikao.sessions.outgoing import EVERY_SHARD, FORGOTTEN, Dead, Outgoing, Sent
from kikao.sessions.store import Claim, Dedupe, Duplicate, Write
from kikao.sessions.stores.postgresql import PostgreSQLStore, migrate
from tests.engines.postgresql import PostgreSQL
from tests.waiting import PATIENCE, until

KEY, NAME = b"k" * 16, b"m" * 16
NOW = 1_000_000.0


async def test_a_copy_that_waits_for_the_lease_gets_the_reply_that_was_committed_meanwhile(
    postgresql: PostgreSQL,
) -> None:
    import asyncpg

    url = await asyncio.to_thread(postgresql.database)
    await migrate(url)
    mine, other = PostgreSQLStore(url, patience=PATIENCE), PostgreSQLStore(url, patience=PATIENCE)
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


def letter(number: int, *, session: bytes = KEY, expires_at: float = NOW + 600) -> Outgoing:
    return Outgoing(bytes([number]) * 16, session, "sms", b"payload", NOW, expires_at)


async def test_a_sweep_and_a_settlement_at_once_leave_the_lane_its_first(postgresql: PostgreSQL) -> None:
    import asyncpg

    url = await asyncio.to_thread(postgresql.database)
    await migrate(url)
    store = PostgreSQLStore(url, patience=PATIENCE)
    await store.open()
    sweeper = await asyncpg.connect(url)
    try:
        await store.post([letter(1), letter(2, expires_at=NOW - FORGOTTEN - 1), letter(3)])
        (taken,) = await store.take(now=NOW, lease=60.0, limit=1, destinations=["sms"])
        async with sweeper.transaction():  # the second is gone, and nobody knows yet
            swept = "SELECT kikao.sweep_messages($1, $2, 100, $3::smallint[])"
            assert await sweeper.fetchval(swept, NOW, FORGOTTEN, list(EVERY_SHARD)) == 1
            settled = asyncio.create_task(store.settle(taken, Sent(NOW + 600)))
            await blocked(sweeper)
        assert await settled
        (following,) = await store.take(now=NOW, lease=60.0, limit=1, destinations=["sms"])
        assert following.id == letter(3).id
    finally:
        await sweeper.close()
        await store.close()


@pytest.mark.parametrize("question", ["post", "settle", "replay"])
async def test_locks_of_lanes_are_taken_in_one_order(postgresql: PostgreSQL, question: str) -> None:
    import asyncpg

    first, last = b"a" * 16, b"z" * 16
    url = await asyncio.to_thread(postgresql.database)
    await migrate(url)
    store = PostgreSQLStore(url, patience=PATIENCE, connections=1)
    await store.open()
    other = await asyncpg.connect(url)
    try:
        await store.post([letter(1, session=last), letter(2, session=first)])
        taken = await store.take(now=NOW, lease=60.0, limit=2, destinations=["sms"])
        assert [each.session for each in taken] == [first, last]
        if question == "replay":
            for each in taken:
                assert await store.settle(each, Dead(NOW + 600, "no"))
        async with other.transaction():  # as a turn of the first session that is about to write to the last
            await other.execute("SELECT kikao.lock_lane($1, 'sms')", first)
            asked = asyncio.ensure_future(
                store.post([letter(3, session=last), letter(4, session=first)])
                if question == "post"
                else store.replay(taken[::-1], now=NOW, expires_at=NOW + 600)
                if question == "replay"
                else asyncio.gather(*(store.settle(each, Sent(NOW + 600)) for each in taken[::-1]))
            )
            await blocked(other)
            free = "SELECT pg_try_advisory_xact_lock(hashtextextended('sms' || encode($1, 'hex'), 20261121))"
            assert await other.fetchval(free, last)
        await asked
    finally:
        await other.close()
        await store.close()


async def blocked(connection: Any) -> None:
    """Wait until somebody waits for a lock."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    await until(lambda: connection.fetchval(query), "somebody to wait")
