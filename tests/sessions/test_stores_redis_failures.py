"""The Redis store and everything that can go wrong between it and a server it works with."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from redis.exceptions import OutOfMemoryError

from kikao.control import CommandRefused
from kikao.events import Bus, described
from kikao.readiness import Bad, look_at_store
from kikao.sessions.keeper import Held, Sessions
from kikao.sessions.operating import Operator
from kikao.sessions.outgoing import Dead, Outgoing
from kikao.sessions.policy import Address, session_key
from kikao.sessions.sealing import KeyRing
from kikao.sessions.store import (
    Busy,
    Claim,
    CommitUnknown,
    Conflict,
    Dedupe,
    Duplicate,
    StoreFull,
    StoreUnavailable,
)
from kikao.sessions.stores.redis import RedisStore
from kikao.sessions.stores.redis.errors import refusal
from kikao.sessions.views import Ending
from tests.engines.proxy import (
    BlackHole,
    CutAfter,
    CutBeforeAnswer,
    Fault,
    Garbage,
    HalfOpen,
    Mute,
    Proxy,
    Refuse,
)
from tests.engines.valkey import Redis, Valkey
from tests.sessions.redis_stores import SHORT, keys, opened, until_it_is_back
from tests.sessions.store_contract import (
    HOUR,
    LEASE,
    NOW,
    everything,
    intent,
    make,
    stored_version,
    take,
    written,
)
from tests.waiting import until

# --- several processes ---


async def test_two_stores_never_interleave_turns_of_one_session(empty: Valkey) -> None:
    async def turn(store: RedisStore) -> None:
        claim = await take(store, wait=30)
        count = 0 if claim.record is None else int(claim.record.state)
        await asyncio.sleep(0)
        await store.commit(written(claim, state=b"%d" % (count + 1)))

    async with opened(empty.url) as one, opened(empty.unix_url) as two:
        await asyncio.gather(*(turn(store) for store in (one, two) * 25))
        assert [(record.version, record.state) for record in await everything(one)] == [(50, b"50")]


async def test_a_turn_elsewhere_is_waited_for_and_one_that_died_there_is_taken_over(empty: Valkey) -> None:
    async with opened(empty.url) as one, opened(empty.url) as two:
        elsewhere = await take(one, dedupe=b"m")
        waiting = asyncio.create_task(two.claim(b"session", b"m", now=NOW, lease=LEASE, wait=30))
        assert isinstance(await two.claim(b"session", None, now=NOW, lease=LEASE, wait=0.02), Busy)
        await one.commit(written(elsewhere, dedupe=Dedupe(b"m", b"reply", NOW + HOUR)))
        assert await waiting == Duplicate(b"reply")

        died = await take(one)
        successor = await take(two, now=NOW + LEASE)
        assert successor.fence > died.fence
        await two.commit(written(successor))
        with pytest.raises(Conflict):
            await one.commit(written(died))


async def test_opening_leaves_the_leases_of_others_alone(empty: Valkey) -> None:
    async with opened(empty.url) as one:
        claim = await take(one)
        await one.intent(written(claim, open_=(intent(claim, lease_until=NOW + 60),)))
        async with opened(empty.url) as two:
            assert isinstance(await two.claim(b"session", None, now=NOW, lease=LEASE, wait=0), Busy)
            assert await two.due(now=NOW + 59, limit=9) == []


async def test_fences_go_on_where_the_server_forgot_them(empty: Valkey) -> None:
    """A failover may lose the newest claims: their fences are not given again."""
    async with opened(empty.url) as store:
        before = await take(store)
        empty.ask("FLUSHALL")
        assert (await take(store)).fence > before.fence


async def test_nothing_has_a_time_to_live_but_what_a_pace_is_kept_by(empty: Valkey) -> None:
    async with opened(empty.url) as store:
        claim = await take(store, dedupe=b"m")
        await store.intent(
            written(claim, open_=(intent(claim),), dedupe=Dedupe(b"m", b"reply", NOW + HOUR), expires_at=NOW)
        )
        await store.pace("crm", now=NOW, interval=1.0, burst=1)
        await store.share("worker", now=NOW, lease=LEASE)
        keys = empty.ask("KEYS", "*")
        assert len(keys) >= 8
        assert {empty.ask("TTL", key) for key in keys if b":p:" not in key} == {-1}
        assert all(key.startswith(b"{kikao:") for key in keys)


# --- the connection ---


@pytest.mark.parametrize("fault", [CutBeforeAnswer(times=1), Garbage(times=1), Mute(times=1)])
async def test_a_commit_whose_answer_is_lost_is_unknown_and_its_duplicate_tells(
    empty: Valkey, fault: Fault
) -> None:
    async with (
        Proxy(f"127.0.0.1:{empty.port}") as proxy,
        opened(f"redis://{proxy.address}?{SHORT}") as store,
    ):
        claim = await take(store, dedupe=b"m")
        proxy.fault = fault
        with pytest.raises(CommitUnknown):
            await store.commit(written(claim, dedupe=Dedupe(b"m", b"reply", NOW + HOUR)))
        assert sum(proxy.hits.values()) == 1
        proxy.fault = None
        assert await store.claim(b"session", b"m", now=NOW, lease=LEASE, wait=9) == Duplicate(b"reply")


@pytest.mark.parametrize("fault", [HalfOpen(times=1), CutAfter(octets=20, times=1)])
async def test_a_commit_that_did_not_get_there_is_unknown_and_can_be_done_again(
    empty: Valkey, fault: Fault
) -> None:
    async with (
        Proxy(f"127.0.0.1:{empty.port}") as proxy,
        opened(f"redis://{proxy.address}?{SHORT}") as store,
    ):
        claim = await take(store, dedupe=b"m")
        proxy.fault = fault
        with pytest.raises(CommitUnknown):
            await store.commit(written(claim, dedupe=Dedupe(b"m", b"reply", NOW + HOUR)))
        proxy.fault = None
        again = await take(store, dedupe=b"m", wait=9)
        assert (again.record, again.seen) == (None, None)
        await store.commit(written(again))


@pytest.mark.parametrize("change", ["replay", "discard", "reseal", "post"])
async def test_a_change_of_messages_whose_answer_is_lost_is_unknown(empty: Valkey, change: str) -> None:
    async with (
        Proxy(f"127.0.0.1:{empty.port}") as proxy,
        opened(f"redis://{proxy.address}?{SHORT}") as store,
    ):
        letter = Outgoing(b"i" * 16, b"session", "sms", b"payload", NOW, NOW + HOUR)
        await store.post([letter])
        (taken,) = await store.take(now=NOW, lease=LEASE, limit=1, destinations=["sms"])
        assert await store.settle(taken, Dead(NOW + HOUR, "no"))
        proxy.fault = CutBeforeAnswer(times=1)
        changes: dict[str, Callable[[], Awaitable[object]]] = {
            "replay": lambda: store.replay([taken], now=NOW, expires_at=NOW + HOUR),
            "discard": lambda: store.discard([taken]),
            "reseal": lambda: store.reseal(taken, b"anew"),
            "post": lambda: store.post([letter]),
        }
        with pytest.raises(CommitUnknown):
            await changes[change]()
        proxy.fault = None
        left = [message async for message in store.messages()]
        assert len(left) == (change != "discard"), "it was carried out"


async def test_a_claim_whose_answer_is_lost_is_the_same_claim_when_asked_again(empty: Valkey) -> None:
    async with (
        Proxy(f"127.0.0.1:{empty.port}") as proxy,
        opened(f"redis://{proxy.address}?{SHORT}") as store,
    ):
        proxy.fault = CutBeforeAnswer(times=1)
        claim = await take(store)
        assert proxy.hits["CutBeforeAnswer"] == 1
        await store.commit(written(claim))
        assert stored_version(await take(store)) == 1


async def test_who_is_cancelled_while_asking_leaves_no_lease(empty: Valkey) -> None:
    async with opened(empty.url) as store:
        asking = asyncio.create_task(take(store))
        await asyncio.sleep(0)
        asking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asking
        assert asking.cancelled()
        await take(store)


@pytest.mark.parametrize("fault", [BlackHole(), Refuse()])
async def test_a_server_that_is_away_costs_little_time_and_is_found_again(
    empty: Valkey, fault: Fault
) -> None:
    async with (
        Proxy(f"127.0.0.1:{empty.port}") as proxy,
        opened(f"redis://{proxy.address}?{SHORT}") as store,
    ):
        await make(store)
        proxy.fault = fault
        began = time.monotonic()
        claims = (store.claim(b"%d" % n, None, now=NOW, lease=LEASE, wait=5) for n in range(50))
        outcomes = await asyncio.gather(*claims, return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} <= {StoreUnavailable}
        assert time.monotonic() - began < 20.0, "not one after the other"
        for _ in range(200):  # now everybody is refused at once
            with pytest.raises(StoreUnavailable):
                await store.claim(b"session", None, now=NOW, lease=LEASE, wait=5)
        assert time.monotonic() - began < 30.0, "none of them waits"
        assert store.waiting == 0
        proxy.fault = None
        await until_it_is_back(store)
        assert stored_version(await take(store, b"session")) == 1


async def test_a_server_that_hangs_is_given_up_and_found_again(tmp_path: Path) -> None:
    server = Valkey(tmp_path / "server")
    server.start()
    try:
        async with opened(f"{server.url}?{SHORT}") as store:
            claim = await take(store)
            server.pause()
            began = time.monotonic()
            outcomes = await asyncio.gather(
                store.commit(written(claim)),
                store.claim(b"other", None, now=NOW, lease=LEASE, wait=5),
                return_exceptions=True,
            )
            assert [type(outcome) for outcome in outcomes] == [CommitUnknown, StoreUnavailable]
            assert time.monotonic() - began < 20.0
            server.resume()
            await until_it_is_back(store)
            await take(store, b"other", wait=5)  # the claim that was in its buffers holds up nobody
            assert stored_version(await take(store, wait=5)) == 1
    finally:
        server.remove()


@pytest.mark.parametrize("fsync", ["everysec", "always"])
@pytest.mark.parametrize("engine", [Valkey, Redis])
async def test_what_was_acknowledged_survives_the_death_of_the_server(
    engine: type[Valkey], fsync: str, tmp_path: Path
) -> None:
    server = engine(tmp_path / "server", options=["appendonly yes", f"appendfsync {fsync}"])
    server.start()
    acknowledged: dict[bytes, int] = {}
    stop = asyncio.Event()

    async def member(store: RedisStore, key: bytes) -> None:
        """Turn after turn; each that fails is delivered again until it is acknowledged."""
        for turn in range(100_000):
            if stop.is_set():
                return
            inbound, reply = b"%d" % turn, b"%s %d" % (key, turn)
            while acknowledged.get(key, -1) < turn:
                with contextlib.suppress(StoreUnavailable, CommitUnknown, Conflict):
                    claim = await store.claim(key, inbound, now=time.time(), lease=0.3, wait=1)
                    if isinstance(claim, Claim):
                        assert stored_version(claim) == turn
                        dedupe = Dedupe(inbound, reply, time.time() + HOUR)
                        await store.commit(written(claim, state=reply, dedupe=dedupe))
                        acknowledged[key] = turn
                    elif isinstance(claim, Duplicate):
                        assert claim.reply == reply
                        acknowledged[key] = turn
                await asyncio.sleep(0.001)

    try:
        async with opened(f"{server.url}?{SHORT}") as store:
            members = [asyncio.create_task(member(store, b"member %d" % n)) for n in range(10)]
            for _ in range(2):
                await asyncio.sleep(0.1)
                before = dict(acknowledged)
                server.kill()
                server.start()
                await until(lambda: all(acknowledged[key] > turn for key, turn in before.items()), "turns")  # noqa: B023
            stop.set()
            await asyncio.gather(*members)
            found = {record.key: record.version for record in await everything(store)}
            assert found == {key: turn + 1 for key, turn in acknowledged.items()}
    finally:
        server.remove()


# --- what the server refuses ---


async def test_a_server_whose_memory_is_full_stores_nothing_and_says_what_to_do(empty: Valkey) -> None:
    async with opened(empty.url) as store:
        claim = await take(store, b"held")
        empty.ask("CONFIG", "SET", "maxmemory", "1")
        with pytest.raises(StoreUnavailable, match="memory is full"):
            await store.claim(b"session", b"m", now=NOW, lease=LEASE, wait=5)
        with pytest.raises(StoreUnavailable, match="memory is full"):
            await store.commit(written(claim))
        assert await everything(store) == []
        empty.ask("CONFIG", "SET", "maxmemory", "0")
        await take(store, b"held", wait=5)  # the commit that was refused gave its lease back


async def test_a_full_server_is_opened_swept_and_said_to_be_full(empty: Valkey) -> None:
    async with opened(empty.url) as store:
        await make(store, b"old", dedupe=Dedupe(b"m", b"reply", NOW + HOUR))
        assert await store.bind("lookup", b"one") == b"one"
        await look_at_store(store, is_shared=True)
    empty.ask("CONFIG", "SET", "maxmemory", "1")
    async with opened(empty.url) as store:
        assert await store.bind("lookup", b"two") == b"one"
        with pytest.raises(StoreFull):
            await store.bind("another", b"one")
        with pytest.raises(Bad, match="full"):
            await look_at_store(store, is_shared=True)
        assert await store.sweep(now=NOW + 2 * HOUR, limit=9) == 1
        assert await everything(store) == []


async def test_a_session_is_ended_by_force_where_memory_is_full(empty: Valkey) -> None:
    sessions = Sessions(RedisStore(empty.url), KeyRing({"test": bytes(range(32))}))
    await sessions.open()
    try:
        address = Address("sms", "test", "256772000001")
        key = session_key(sessions.ring, address.parts)
        held = await sessions.claim(key, (), address, wait=1)
        assert isinstance(held, Held)
        await held.commit()
        operator = Operator(sessions, Bus(), flow=None)
        empty.ask("CONFIG", "SET", "maxmemory", "1")
        with pytest.raises(CommandRefused, match="memory of the store is full"):
            await anext(operator.end(Ending(key.hex(), False)))
        await anext(operator.end(Ending(key.hex(), True)))
        assert await everything(sessions.store) == []
    finally:
        await sessions.close()


def test_a_full_server_is_named_in_events_and_no_member() -> None:
    full = refusal("redis://127.0.0.1:6379/0", OutOfMemoryError("OOM command not allowed"))
    assert "memory is full" in described(full)


async def test_scripts_that_were_forgotten_are_told_again(empty: Valkey) -> None:
    async with opened(empty.url) as store:
        claim = await take(store)
        empty.ask("SCRIPT", "FLUSH")
        await store.commit(written(claim))
        assert stored_version(await take(store)) == 1


async def test_a_server_that_may_not_write_refuses(empty: Valkey) -> None:
    async with opened(empty.url) as store:
        claim = await take(store)
        empty.ask("CONFIG", "SET", "min-replicas-to-write", "1")
        try:
            with pytest.raises(StoreUnavailable, match="replicas"):
                await store.commit(written(claim))
        finally:
            empty.ask("CONFIG", "SET", "min-replicas-to-write", "0")
        await store.commit(written(claim))


async def test_a_script_that_breaks_midway_leaves_it_unknown(empty: Valkey) -> None:
    async with opened(empty.url) as store:
        claim = await take(store)
        at = (await keys(empty, b"*:l"))[0].removesuffix(b":l")
        empty.ask("SET", at + b":s", "somebody else's")
        with pytest.raises(CommitUnknown, match="WRONGTYPE"):
            await store.commit(written(claim))


async def test_too_many_commands_are_refused_at_once(empty: Valkey) -> None:
    async with opened(f"{empty.url}?commands=100") as store:
        turns = [
            asyncio.create_task(store.claim(b"%d" % n, None, now=NOW, lease=LEASE, wait=0))
            for n in range(150)
        ]
        outcomes = await asyncio.gather(*turns, return_exceptions=True)
        refused = [outcome for outcome in outcomes if isinstance(outcome, StoreUnavailable)]
        assert len(refused) == 50
        assert "is slow" in str(refused[0])
        await take(store, b"later")
