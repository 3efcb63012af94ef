"""What every session store must do with messages to send. A store is tested by a class that inherits this one and
gives it a `store`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import pytest
from msgspec import structs

from kikao.sessions.outgoing import (
    EVERY_SHARD,
    FORGOTTEN,
    SHARDS,
    Again,
    Backlog,
    Dead,
    Outgoing,
    Sent,
    State,
    Status,
    shard,
)
from kikao.sessions.store import Conflict, Dedupe, Replacement, SessionStore, Write
from tests.sessions.store_contract import HOUR, LEASE, NOW, everything, make, resealed, take, written

CRM, SMS = "webhook/crm", "sms"


class OutboxContract:
    @pytest.fixture
    def store(self) -> SessionStore:
        raise NotImplementedError("an open store")

    # --- with the turn ---

    async def test_a_message_is_stored_with_the_turn_that_caused_it(self, store: SessionStore) -> None:
        claim = await take(store)
        await store.commit(posting(written(claim), message(b"1", payload=b"sealed", urgency=1)))
        (taken,) = await taking(store)
        assert taken == message(
            b"1", payload=b"sealed", urgency=1, tries=1, fence=taken.fence, lease_until=NOW + LEASE
        )
        assert taken.fence > 0

    async def test_an_intent_stores_messages_too(self, store: SessionStore) -> None:
        claim = await take(store)
        await store.intent(posting(written(claim), message(b"1")))
        assert await sent(store) == [b"1"]
        await store.commit(posting(written(claim, version=1), message(b"2")))
        assert await sent(store) == [b"2"]

    async def test_a_turn_that_conflicts_stores_no_message(self, store: SessionStore) -> None:
        await make(store)
        claim = await take(store)
        with pytest.raises(Conflict):
            await store.commit(posting(written(claim, version=7), message(b"1")))
        assert await stored(store) == []
        assert await taking(store) == []

    async def test_a_message_of_another_session_is_refused_with_everything_else(
        self, store: SessionStore
    ) -> None:
        claim = await take(store)
        write = written(claim, dedupe=Dedupe(b"m", b"reply", NOW + HOUR))
        with pytest.raises(ValueError, match="must belong"):
            await store.commit(posting(write, message(b"1"), message(b"2", session=b"another")))
        assert await everything(store) == []
        assert await stored(store) == []

    async def test_a_message_whose_id_is_stored_is_left_as_it_is(self, store: SessionStore) -> None:
        assert await store.post([message(b"1", payload=b"first"), message(b"2")]) == 2
        assert await store.post([message(b"1", payload=b"second"), message(b"3")]) == 1
        claim = await take(store)
        again = (message(b"2", payload=b"third"), message(b"4"))
        await store.commit(posting(written(claim), *again))
        assert {each.id: each.payload for each in await stored(store)} == {
            wide(b"1"): b"first",
            wide(b"2"): b"payload",
            wide(b"3"): b"payload",
            wide(b"4"): b"payload",
        }
        assert await sent(store) == [b"1"]
        assert await store.post([message(b"1")]) == 0
        assert [each.state for each in await stored(store) if each.id == wide(b"1")] == ["sent"]

    async def test_values_of_a_message_come_back_as_they_were(self, store: SessionStore) -> None:
        posted = structs.replace(
            message(b"\0\xff", session=b"\0\xffsession", payload=bytes(range(256)) * 64),
            to="webhook/naïve ₦",
            due_at=NOW + 0.125,
            expires_at=NOW + HOUR + 0.000_01,
            posted_at=NOW - 0.75,
            urgency=9,
            reason="",
        )
        await store.post([posted])
        assert await stored(store) == [posted]

    # --- lanes ---

    async def test_a_lane_leaves_in_order_with_one_in_flight(self, store: SessionStore) -> None:
        for turn in range(3):
            claim = await take(store)
            names = [b"%d" % (2 * turn + each) for each in range(2)]
            await store.commit(posting(written(claim), *(message(name, due_at=NOW - turn) for name in names)))
        for number in range(6):
            (taken,) = await taking(store)
            assert taken.id == wide(b"%d" % number)
            assert await taking(store) == []
            assert await store.settle(taken, Sent(NOW + HOUR))
        assert await taking(store) == []

    async def test_lanes_know_nothing_of_each_other(self, store: SessionStore) -> None:
        await store.post(
            [
                message(b"1", session=b"one"),
                message(b"2", session=b"one"),
                message(b"3", session=b"one", to=SMS),
                message(b"4", session=b"two"),
                message(b"5", session=b"later", due_at=NOW + 60),
                message(b"6", session=b"later"),
            ]
        )
        taken = await taking(store)
        assert {each.id for each in taken} == {wide(name) for name in (b"1", b"3", b"4")}
        failing = next(each for each in taken if each.id == wide(b"1"))
        assert await store.settle(failing, Again(NOW + 30, "HTTP 500"))
        for each in taken:
            if each is not failing:
                assert await store.settle(each, Sent(NOW + HOUR))
        assert await taking(store) == []
        (again,) = await taking(store, now=NOW + 30)
        assert (again.id, again.tries, again.reason) == (wide(b"1"), 2, "HTTP 500")

    async def test_a_dead_message_lets_its_lane_go_on(self, store: SessionStore) -> None:
        await store.post([message(b"1"), message(b"2")])
        (taken,) = await taking(store)
        assert await store.settle(taken, Dead(NOW + HOUR, "HTTP 410"))
        (after,) = await taking(store)
        assert after.id == wide(b"2")
        (dead,) = await stored(store, state="dead")
        assert (dead.id, dead.reason, dead.expires_at) == (wide(b"1"), "HTTP 410", NOW + HOUR)

    async def test_nothing_is_taken_before_it_is_due(self, store: SessionStore) -> None:
        await store.post([message(b"1", due_at=NOW + 5)])
        assert await taking(store, now=NOW + 4.99) == []
        assert len(await taking(store, now=NOW + 5)) == 1

    async def test_what_has_expired_is_taken_to_be_settled_as_dead(self, store: SessionStore) -> None:
        await store.post([message(b"1", expires_at=NOW + 1)])
        (taken,) = await taking(store, now=NOW + 2)
        assert taken.expires_at == NOW + 1
        assert await store.settle(taken, Dead(NOW + HOUR, "expired"))

    async def test_urgent_lanes_go_first_then_those_that_wait_longer(self, store: SessionStore) -> None:
        await store.post(
            [
                message(b"notice", session=b"1", urgency=1, due_at=NOW - 100),
                message(b"older notice", session=b"2", urgency=1, due_at=NOW - 200, to=SMS),
                message(b"reply", session=b"3", due_at=NOW),
                message(b"older reply", session=b"4", due_at=NOW - 1),
            ]
        )
        order = [each.id for each in await taking(store, limit=3)]
        assert order == [wide(b"older reply"), wide(b"reply"), wide(b"older notice")]
        assert [each.id for each in await taking(store)] == [wide(b"notice")]

    async def test_only_what_goes_to_the_destinations_asked_for_is_taken(self, store: SessionStore) -> None:
        await store.post([message(b"1"), message(b"2", to=SMS)])
        assert await taking(store, destinations=()) == []
        assert await taking(store, destinations=["other"]) == []
        assert [each.id for each in await taking(store, destinations=[SMS])] == [wide(b"2")]

    async def test_only_what_is_in_the_shards_asked_for_is_taken(self, store: SessionStore) -> None:
        keys = [bytes([first]) + b" session" for first in (0, 3, 4, 255)]
        await store.post([message(key, session=key) for key in keys])
        assert await taking(store, shards=[]) == []
        assert [each.session for each in await taking(store, shards=[1])] == [keys[2]]
        rest = await taking(store, shards=EVERY_SHARD - {63})
        assert {each.session for each in rest} == {keys[0], keys[1]}
        assert [each.session for each in await taking(store)] == [keys[3]]

    async def test_many_lanes_are_taken_a_few_at_a_time_each_once(self, store: SessionStore) -> None:
        keys = [b"%d session" % number for number in range(50)]
        await store.post([message(b"%s %d" % (key, n), session=key) for key in keys for n in range(2)])
        seen: list[bytes] = []
        while batch := await taking(store, limit=7):
            assert len(batch) <= 7
            seen += [each.session for each in batch]
        assert sorted(seen) == sorted(keys)

    async def test_takers_at_the_same_time_get_different_messages(self, store: SessionStore) -> None:
        keys = [b"%d session" % number for number in range(30)]
        await store.post([message(key, session=key) for key in keys])
        batches = await asyncio.gather(*(taking(store, limit=4) for _ in range(10)))
        assert sorted(each.session for batch in batches for each in batch) == sorted(keys)

    # --- leases and fences ---

    async def test_a_lapsed_lease_lets_another_take_the_message(self, store: SessionStore) -> None:
        await store.post([message(b"1"), message(b"2")])
        (late,) = await taking(store)
        assert await taking(store, now=NOW + LEASE - 0.01) == []
        (successor,) = await taking(store, now=NOW + LEASE)
        assert successor.id == late.id
        assert successor.fence > late.fence
        assert successor.tries == 2
        for outcome in (Sent(NOW + HOUR, b"reference"), Again(NOW, "no"), Dead(NOW + HOUR, "no")):
            assert not await store.settle(late, outcome)
        assert await store.report(b"reference", Status.READ) == "unknown"
        assert await store.settle(successor, Sent(NOW + HOUR))
        assert not await store.settle(successor, Again(NOW, "once more"))
        assert await sent(store, now=NOW + LEASE) == [b"2"]

    async def test_who_was_late_and_not_followed_still_settles(self, store: SessionStore) -> None:
        await store.post([message(b"1")])
        (late,) = await taking(store)
        assert await store.settle(late, Sent(NOW + HOUR))
        assert await taking(store, now=NOW + HOUR) == []

    async def test_a_try_that_does_not_count_is_given_back(self, store: SessionStore) -> None:
        await store.post([message(b"1")])
        (taken,) = await taking(store)
        assert await store.settle(taken, Again(NOW + 1, "told to wait", counts=False))
        (again,) = await taking(store, now=NOW + 1)
        assert (again.tries, again.reason) == (1, "told to wait")
        assert again.fence > taken.fence

    async def test_a_message_that_is_gone_is_not_settled(self, store: SessionStore) -> None:
        assert not await store.settle(message(b"1", fence=1), Sent(NOW + HOUR))

    # --- reports ---

    @pytest.mark.parametrize(
        ("reports", "ends"),
        [
            ("DELIVERED READ", "READ"),
            ("READ DELIVERED SENT", "READ"),
            ("FAILED DELIVERED", "DELIVERED"),
            ("DELIVERED FAILED", "DELIVERED"),
            ("SENT SENT FAILED", "FAILED"),
        ],
    )
    async def test_a_status_only_rises(self, store: SessionStore, reports: str, ends: str) -> None:
        await store.post([message(b"1")])
        (taken,) = await taking(store)
        assert await store.report(b"reference", Status.READ) == "unknown"
        assert await store.settle(taken, Sent(NOW + HOUR, b"reference"))
        highest = Status.SENT
        for name in reports.split():
            said = await store.report(b"reference", Status[name])
            assert said == ("raised" if Status[name] > highest else "old")
            highest = max(highest, Status[name])
        (found,) = await stored(store, state="sent")
        assert found.status == highest == Status[ends]

    # --- operators ---

    async def test_messages_can_be_read_by_state_and_session(self, store: SessionStore) -> None:
        await store.post([message(b"%d" % n, session=b"one" if n % 2 else b"two") for n in range(6)])
        for outcome in (Sent(NOW + HOUR), Dead(NOW + HOUR, "no")):
            (one,) = await taking(store, limit=1)
            assert await store.settle(one, outcome)
        states = sorted(each.state for each in await stored(store))
        assert states == ["dead", "sent", *["waiting"] * 4]
        assert len(await stored(store, session=b"one")) == 3
        assert await stored(store, session=b"nobody") == []
        waiting = await stored(store, session=b"one", state="waiting")
        assert {each.state for each in waiting} == {"waiting"}

    async def test_a_dead_message_is_replayed_behind_what_waits(self, store: SessionStore) -> None:
        await store.post([message(b"%d" % n) for n in range(4)])
        for _ in range(2):
            (one,) = await taking(store)
            await store.settle(one, Dead(NOW + HOUR, "no"))
        dead = sorted(await stored(store, state="dead"), key=lambda each: each.id)
        live = await stored(store, state="waiting")
        assert await store.replay([*dead, *live, *dead], now=NOW + 60, expires_at=NOW + 2 * HOUR) == 2
        order = []
        while batch := await taking(store, now=NOW + 60):
            (one,) = batch
            order.append(one)
            assert await store.settle(one, Sent(NOW + HOUR))
        assert [each.id for each in order] == [wide(name) for name in (b"2", b"3", b"0", b"1")]
        anew = order[2]
        assert (anew.tries, anew.due_at, anew.posted_at, anew.expires_at, anew.reason) == (
            1,
            NOW + 60,
            NOW + 60,
            NOW + 2 * HOUR,
            "",
        )

    async def test_a_replayed_message_of_a_quiet_lane_is_taken_at_once(self, store: SessionStore) -> None:
        await store.post([message(b"1")])
        (one,) = await taking(store)
        await store.settle(one, Dead(NOW + HOUR, "no"))
        assert await store.replay([one], now=NOW, expires_at=NOW + HOUR) == 1
        (again,) = await taking(store)
        assert again.fence > one.fence
        assert not await store.settle(one, Sent(NOW + HOUR))

    async def test_only_dead_messages_are_discarded(self, store: SessionStore) -> None:
        await store.post([message(b"1"), message(b"2")])
        (one,) = await taking(store)
        await store.settle(one, Dead(NOW + HOUR, "no"))
        everything_there = await stored(store)
        assert await store.discard(everything_there) == 1
        assert [each.id for each in await stored(store)] == [wide(b"2")]
        assert await store.discard(everything_there) == 0

    async def test_the_backlog_tells_what_waits_and_what_is_dead(self, store: SessionStore) -> None:
        assert await store.backlog() == []
        await store.post(
            [
                message(b"1", session=b"\x00", posted_at=NOW - 5),
                message(b"2", session=b"\xff", posted_at=NOW - 9),
                message(b"3", session=b"\x00", posted_at=NOW - 7),
                message(b"4", session=b"\x00", to=SMS),
            ]
        )
        assert await store.backlog() == [Backlog(SMS, 1, 0, NOW), Backlog(CRM, 3, 0, NOW - 9)]
        assert await store.backlog(shards=[0]) == [Backlog(SMS, 1, 0, NOW), Backlog(CRM, 2, 0, NOW - 7)]
        for each in await taking(store):
            outcome = Dead(NOW + HOUR, "no") if each.to == SMS else Sent(NOW + HOUR)
            await store.settle(each, outcome)
        assert await store.backlog() == [Backlog(SMS, 0, 1, None), Backlog(CRM, 1, 0, NOW - 7)]

    # --- with its session ---

    async def test_messages_outlive_their_session(self, store: SessionStore) -> None:
        for key in (b"ended", b"swept"):
            claim = await take(store, key)
            await store.commit(posting(written(claim, expires_at=NOW + 1), message(key, session=key)))
        assert await store.end(b"ended")
        assert await store.sweep(now=NOW + 1, limit=10) == 1
        assert await everything(store) == []
        assert {each.session for each in await taking(store, now=NOW + 1)} == {b"ended", b"swept"}

    async def test_a_session_moves_with_its_messages(self, store: SessionStore) -> None:
        claim = await take(store)
        await store.commit(posting(written(claim), *(message(b"%d" % n) for n in range(3))))
        (held,) = await taking(store)
        (before,) = await everything(store)
        assert await store.replace(resealed(before, to=b"moved"))
        assert await stored(store, session=b"session") == []
        assert {each.id for each in await stored(store, session=b"moved")} == {
            wide(b"%d" % n) for n in range(3)
        }
        assert await taking(store) == []
        moved = structs.replace(held, session=b"moved")
        assert await store.settle(moved, Dead(NOW + HOUR, "no"))
        (second,) = await taking(store)
        assert (second.id, second.session) == (wide(b"1"), b"moved")
        await store.settle(second, Sent(NOW + HOUR))
        assert await sent(store) == [b"2"]

    async def test_messages_that_are_at_the_new_key_stay(self, store: SessionStore) -> None:
        await store.post([message(b"there", session=b"moved")])
        claim = await take(store)
        await store.commit(posting(written(claim), message(b"moves")))
        (before,) = await everything(store)
        assert await store.replace(resealed(before, to=b"moved"))
        order = []
        while batch := await taking(store):
            order += [each.id for each in batch]
            await store.settle(batch[0], Sent(NOW + HOUR))
        assert order == [wide(b"there"), wide(b"moves")]

    async def test_a_session_sealed_anew_keeps_its_messages(self, store: SessionStore) -> None:
        claim = await take(store)
        await store.commit(posting(written(claim), message(b"1")))
        (before,) = await everything(store)
        anew = Replacement(b"session", before.version, before.fence, b"session", b"new", b"new")
        assert await store.replace(anew)
        assert await stored(store) == [message(b"1")]

    async def test_a_payload_is_put_under_another_key_while_it_is_sent(self, store: SessionStore) -> None:
        await store.post([message(b"1"), message(b"2")])
        (held,) = await taking(store)
        for each in await stored(store):
            assert await store.reseal(each, b"anew")
        assert not await store.reseal(message(b"gone"), b"anew")
        assert {each.payload for each in await stored(store)} == {b"anew"}
        assert await store.settle(held, Sent(NOW + HOUR))
        (after,) = await taking(store)
        assert (after.id, after.payload) == (wide(b"2"), b"anew")

    # --- the sweep ---

    async def test_a_sweep_removes_what_was_sent_or_is_dead_when_its_time_is_over(
        self, store: SessionStore
    ) -> None:
        await store.post([message(b"%d" % n, session=b"%d" % n) for n in range(4)])
        outcomes: list[Sent | Again | Dead] = [
            Sent(NOW + 10, b"a"),
            Dead(NOW + 20, "no"),
            Again(NOW + 5, "later"),
        ]
        for outcome in outcomes:
            (one,) = await taking(store, limit=1)
            assert await store.settle(one, outcome)
        assert await store.sweep(now=NOW + 9, limit=10) == 0
        assert len(await stored(store)) == 4
        await store.sweep(now=NOW + 10, limit=10)
        assert await stored(store, state="sent") == []
        assert await store.report(b"a", Status.READ) == "unknown"
        await store.sweep(now=NOW + 20, limit=10)
        assert sorted(each.state for each in await stored(store)) == ["waiting", "waiting"]

    async def test_a_sweep_leaves_what_waits_until_it_is_forgotten(self, store: SessionStore) -> None:
        await store.post([message(b"1", expires_at=NOW + 1), message(b"2", expires_at=NOW + HOUR)])
        await store.sweep(now=NOW + FORGOTTEN, limit=10)
        assert len(await stored(store)) == 2
        await store.sweep(now=NOW + 1 + FORGOTTEN, limit=10)
        assert await sent(store, now=NOW + 1 + FORGOTTEN) == [b"2"]

    async def test_a_replayed_message_is_not_swept_when_it_would_have_been(self, store: SessionStore) -> None:
        await store.post([message(b"1")])
        (one,) = await taking(store)
        await store.settle(one, Dead(NOW + 10, "no"))
        await store.replay([one], now=NOW, expires_at=NOW + HOUR)
        await store.sweep(now=NOW + 20, limit=10)
        assert await sent(store, now=NOW + 20) == [b"1"]

    # --- shards of sessions ---

    async def test_what_is_due_and_what_has_expired_is_seen_by_shard(self, store: SessionStore) -> None:
        for key in (b"\x00 low", b"\xff high"):
            await make(store, key, expires_at=NOW + 1)
        assert await store.sweep(now=NOW + 1, limit=10, shards=[5]) == 0
        assert await store.sweep(now=NOW + 1, limit=10, shards=[shard(b"\xff")]) == 1
        assert [record.key for record in await everything(store)] == [b"\x00 low"]
        assert await store.sweep(now=NOW + 1, limit=10) == 1

    # --- pace ---

    async def test_a_pace_is_kept_over_all_who_ask(self, store: SessionStore) -> None:
        async def ask(now: float, burst: int = 3) -> float:
            return await store.pace("crm", now=now, interval=2.0, burst=burst)

        assert await asyncio.gather(*(ask(NOW) for _ in range(3))) == [0.0, 0.0, 0.0]
        assert await ask(NOW) == pytest.approx(2.0)
        assert await ask(NOW + 1.5) == pytest.approx(0.5)
        assert await ask(NOW + 2) == 0.0
        assert await ask(NOW + 2) == pytest.approx(2.0)
        assert [await ask(NOW + 100) for _ in range(3)] == [0.0, 0.0, 0.0]
        assert await ask(NOW + 100) > 0.0
        assert await store.pace("other", now=NOW + 100, interval=2.0, burst=1) == 0.0

    async def test_a_pause_grants_nothing_and_counts_nothing(self, store: SessionStore) -> None:
        await store.pause("crm", NOW + 60)
        await store.pause("crm", NOW + 30)
        for interval in (0.0, 1.0):
            wait = await store.pace("crm", now=NOW, interval=interval, burst=1)
            assert wait == pytest.approx(60.0)
        assert await store.pace("crm", now=NOW + 60, interval=1.0, burst=1) == 0.0
        assert await store.pace("crm", now=NOW + 60, interval=0.0, burst=1) == 0.0
        assert await store.pace("other", now=NOW, interval=1.0, burst=1) == 0.0

    # --- workers ---

    async def test_a_worker_alone_has_every_shard(self, store: SessionStore) -> None:
        share = await store.share("a", now=NOW, lease=LEASE)
        assert share.shards == EVERY_SHARD
        assert share.workers == 1
        await store.leave("a")
        await store.leave("nobody")


class SharedOutboxContract(OutboxContract):
    """Of stores that several processes may use."""

    async def test_shares_are_fair_and_never_overlap(self, store: SessionStore) -> None:
        names = ["a", "b", "c"]
        shares = {"a": (await store.share("a", now=NOW, lease=LEASE)).shards}
        for round_ in range(3):
            for name in names:
                share = await store.share(name, now=NOW + round_, lease=LEASE)
                shares[name] = share.shards
                assert sum(map(len, shares.values())) == len(frozenset().union(*shares.values()))
        assert frozenset().union(*shares.values()) == EVERY_SHARD
        assert sorted(map(len, shares.values())) == [21, 21, 22]
        kept = await store.share("b", now=NOW + 3, lease=LEASE)
        assert (kept.shards, kept.workers) == (shares["b"], 3)

    async def test_shards_of_the_dead_are_taken_over(self, store: SessionStore) -> None:
        for _ in range(2):
            for name in ("a", "b"):
                await store.share(name, now=NOW, lease=LEASE)
        half = await store.share("a", now=NOW + LEASE - 0.01, lease=LEASE)
        assert len(half.shards) == SHARDS // 2
        assert (await store.share("a", now=NOW + LEASE, lease=LEASE)).shards == EVERY_SHARD

    async def test_shards_of_who_leaves_are_free_at_once(self, store: SessionStore) -> None:
        for _ in range(2):
            for name in ("a", "b"):
                await store.share(name, now=NOW, lease=LEASE)
        await store.leave("a")
        share = await store.share("b", now=NOW, lease=LEASE)
        assert (share.shards, share.workers) == (EVERY_SHARD, 1)


# --- what the tests say ---


def wide(name: bytes) -> bytes:
    """The id of a message of this name: 16 octets."""
    return name[:16].rjust(16, b"#")


def message(
    name: bytes,
    *,
    session: bytes = b"session",
    to: str = CRM,
    payload: bytes = b"payload",
    due_at: float = NOW,
    expires_at: float = NOW + HOUR,
    urgency: int = 0,
    posted_at: float = NOW,
    tries: int = 0,
    fence: int = 0,
    lease_until: float = 0.0,
) -> Outgoing:
    return Outgoing(
        wide(name), session, to, payload, due_at, expires_at, urgency, posted_at, tries, fence, lease_until
    )


def posting(write: Write, *messages: Outgoing) -> Write:
    return structs.replace(write, outbox=messages)


async def taking(
    store: SessionStore,
    *,
    now: float = NOW,
    limit: int = 100,
    shards: Collection[int] = EVERY_SHARD,
    destinations: Collection[str] = (CRM, SMS),
) -> list[Outgoing]:
    return await store.take(now=now, lease=LEASE, limit=limit, shards=shards, destinations=destinations)


async def sent(store: SessionStore, *, now: float = NOW) -> list[bytes]:
    """The names of what is taken now, and then sent."""
    taken = await taking(store, now=now)
    for each in taken:
        assert await store.settle(each, Sent(now + HOUR))
    return [each.id.lstrip(b"#") for each in taken]


async def stored(
    store: SessionStore, *, state: State | None = None, session: bytes | None = None
) -> list[Outgoing]:
    return [each async for each in store.messages(state=state, session=session)]
