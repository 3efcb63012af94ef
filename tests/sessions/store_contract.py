"""What every session store must do. A store is tested by a class that inherits this one and gives it a
`store`. What it must do with messages to send is in `outbox_contract`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from msgspec import structs

from kikao.sessions.store import (
    Busy,
    Claim,
    Conflict,
    Dedupe,
    Duplicate,
    IntentRow,
    Record,
    Replacement,
    Seen,
    SessionStore,
    Write,
)

NOW = 1_700_000_000.0
LEASE = 10.0
HOUR = 3600.0


class StoreContract:
    @pytest.fixture
    def store(self) -> SessionStore:
        raise NotImplementedError("an open store")

    # --- a turn ---

    async def test_the_first_turn_of_a_session_finds_nothing_and_makes_version_1(
        self, store: SessionStore
    ) -> None:
        claim = await take(store)
        assert (claim.record, claim.seen, claim.version_on_arrival, claim.intents) == (None, None, 0, ())
        assert claim.lease_until == NOW + LEASE

        await store.commit(written(claim, state=b"sealed", address=b"address", expires_at=NOW + HOUR))

        again = await take(store)
        assert again.record == Record(b"session", 1, claim.fence, NOW + HOUR, b"sealed", b"address")
        assert again.version_on_arrival == 1

    async def test_every_commit_counts_the_version(self, store: SessionStore) -> None:
        for version in range(5):
            claim = await take(store)
            assert stored_version(claim) == version
            await store.commit(written(claim, state=b"%d" % version))
        assert [record.state for record in await everything(store)] == [b"4"]

    async def test_fences_only_rise(self, store: SessionStore) -> None:
        fences = []
        for _ in range(3):
            claim = await take(store)
            await store.release(claim)
            fences.append(claim.fence)
        assert fences == sorted(set(fences))

    async def test_sessions_do_not_disturb_each_other(self, store: SessionStore) -> None:
        one, two = await take(store, b"one"), await take(store, b"two")
        await store.commit(written(two, state=b"2"))
        await store.commit(written(one, state=b"1"))
        assert {record.key: record.state for record in await everything(store)} == {
            b"one": b"1",
            b"two": b"2",
        }

    @pytest.mark.parametrize(
        "value",
        [b"", b"\0", b"\xff" * 40, "Ndagiire w'e Kampala — ₦ 5,000".encode(), bytes(range(256)) * 4096],
        ids=["empty", "zero", "high", "text", "1 MiB"],
    )
    async def test_values_come_back_byte_for_byte(self, store: SessionStore, value: bytes) -> None:
        key = value[:300]
        claim = await take(store, key, dedupe=value[:300])
        await store.commit(
            written(claim, state=value, address=value, dedupe=Dedupe(value[:300], value, NOW + HOUR))
        )
        assert await store.claim(key, value[:300], now=NOW, lease=LEASE, wait=0) == Duplicate(value)
        record = (await take(store, key)).record
        assert record is not None
        assert (record.key, record.state, record.address) == (key, value, value)

    async def test_times_come_back_as_they_were(self, store: SessionStore) -> None:
        expires_at = NOW + 0.123456
        await make(store, expires_at=expires_at)
        assert [record.expires_at for record in await everything(store)] == [expires_at]

    # --- conflicts ---

    @pytest.mark.parametrize("offset", [-1, 1, 100])
    async def test_a_write_that_expects_another_version_changes_nothing(
        self, store: SessionStore, offset: int
    ) -> None:
        await make(store, state=b"1")
        await make(store, state=b"2")
        claim = await take(store)
        with pytest.raises(Conflict):
            await store.commit(
                written(
                    claim,
                    version=2 + offset,
                    state=b"wrong",
                    dedupe=Dedupe(b"message", b"reply", NOW + HOUR),
                    open_=(intent(claim),),
                )
            )
        assert [(record.version, record.state) for record in await everything(store)] == [(2, b"2")]
        assert await store.due(now=NOW + HOUR, limit=10) == []
        assert isinstance(await store.claim(b"session", b"message", now=NOW, lease=LEASE, wait=0), Claim)

    async def test_a_first_commit_loses_against_another_first_commit(self, store: SessionStore) -> None:
        claim = await take(store)
        await store.commit(written(claim, state=b"first"))
        with pytest.raises(Conflict):
            await store.commit(written(claim, state=b"second"))

    async def test_a_commit_to_a_session_that_is_gone_conflicts(self, store: SessionStore) -> None:
        await make(store)
        claim = await take(store)
        assert await store.end(b"session")
        with pytest.raises(Conflict):
            await store.commit(written(claim))
        assert await everything(store) == []

    async def test_a_lower_fence_conflicts_even_with_the_right_version(self, store: SessionStore) -> None:
        old = await take(store)
        new = await take(store, now=NOW + LEASE)
        await store.commit(written(new))
        with pytest.raises(Conflict):
            await store.intent(written(old, version=1))

    async def test_a_conflict_does_not_fail_the_turns_committed_with_it(self, store: SessionStore) -> None:
        claims = [await take(store, b"session %d" % number) for number in range(30)]
        outcomes = await asyncio.gather(
            *(
                store.commit(written(claim, version=number % 3, state=b"%d" % number))
                for number, claim in enumerate(claims)
            ),
            return_exceptions=True,
        )
        assert [type(outcome) for outcome in outcomes] == [type(None), Conflict, Conflict] * 10
        assert {record.state for record in await everything(store)} == {b"%d" % n for n in range(0, 30, 3)}

    # --- leases ---

    async def test_a_session_is_busy_while_a_turn_holds_it(self, store: SessionStore) -> None:
        await make(store)
        held = await take(store)
        for wait in (0.0, 0.01):
            busy = await store.claim(b"session", None, now=NOW + 1, lease=LEASE, wait=wait)
            assert busy == Busy(held.record)

    async def test_a_new_session_is_busy_too(self, store: SessionStore) -> None:
        await take(store)
        assert await store.claim(b"session", None, now=NOW, lease=LEASE, wait=0) == Busy(None)

    async def test_a_commit_gives_the_lease_back_and_an_intent_keeps_it(self, store: SessionStore) -> None:
        claim = await take(store)
        await store.intent(written(claim))
        assert isinstance(await store.claim(b"session", None, now=NOW, lease=LEASE, wait=0), Busy)
        await store.commit(written(claim, version=1))
        assert stored_version(await take(store)) == 2

    async def test_a_commit_that_fails_gives_the_lease_back_too(self, store: SessionStore) -> None:
        claim = await take(store)
        with pytest.raises(Conflict):
            await store.commit(written(claim, version=7))
        await take(store)

    async def test_release_is_harmless_twice_and_after_losing_the_lease(self, store: SessionStore) -> None:
        lost = await take(store)
        holder = await take(store, now=NOW + LEASE)
        await store.release(lost)
        await store.release(lost)
        assert isinstance(await store.claim(b"session", None, now=NOW + LEASE, lease=LEASE, wait=0), Busy)
        await store.release(holder)
        await store.release(holder)
        await take(store, now=NOW + LEASE)

    async def test_those_who_wait_come_first_come_first_served(self, store: SessionStore) -> None:
        first = await take(store)
        order = []

        async def turn(number: int) -> None:
            claim = await take(store, wait=30)
            order.append(number)
            await store.commit(written(claim, state=b"%d" % number))

        turns = []
        for number in range(10):
            turns.append(asyncio.create_task(turn(number)))
            await asyncio.sleep(0)
        await store.commit(written(first))
        await asyncio.gather(*turns)
        assert order == list(range(10))
        assert [(record.version, record.state) for record in await everything(store)] == [(11, b"9")]

    async def test_who_waited_sees_what_was_committed_meanwhile(self, store: SessionStore) -> None:
        await make(store)
        holder = await take(store)
        waiting = asyncio.create_task(take(store, wait=30))
        await asyncio.sleep(0)
        await store.commit(written(holder, state=b"meanwhile"))
        claim = await waiting
        assert claim.record is not None
        assert (claim.version_on_arrival, claim.record.version, claim.record.state) == (1, 2, b"meanwhile")
        assert claim.fence > holder.fence

    async def test_who_stops_waiting_leaves_the_line(self, store: SessionStore) -> None:
        holder = await take(store)
        waiting = [asyncio.create_task(take(store, wait=30)) for _ in range(3)]
        await asyncio.sleep(0)
        await cancelled(waiting[0])
        await store.release(holder)
        claim = await waiting[1]
        waiting[2].cancel()
        await store.release(claim)
        await cancelled(waiting[2])
        await take(store)

    async def test_who_is_cancelled_on_being_served_passes_the_lease_on(self, store: SessionStore) -> None:
        holder = await take(store)
        waiting = asyncio.create_task(take(store, wait=30))
        await asyncio.sleep(0)
        await store.release(holder)
        await cancelled(waiting)
        await take(store, wait=LEASE / 2)

    async def test_who_waits_gets_a_lease_that_lapses(self, store: SessionStore) -> None:
        lost = await take(store, lease=0.01)
        claim = await take(store, wait=30)
        assert claim.fence > lost.fence
        assert NOW + 0.01 + LEASE <= claim.lease_until < NOW + 30

    async def test_a_lapsed_lease_is_taken_over_and_the_late_writer_loses(self, store: SessionStore) -> None:
        await make(store, state=b"before")
        late = await take(store)
        assert isinstance(
            await store.claim(b"session", None, now=NOW + LEASE - 0.001, lease=LEASE, wait=0), Busy
        )
        successor = await take(store, now=NOW + LEASE)
        assert successor.fence > late.fence
        await store.commit(written(successor, state=b"successor"))
        with pytest.raises(Conflict):
            await store.commit(written(late, state=b"late"))
        assert [record.state for record in await everything(store)] == [b"successor"]

    async def test_a_late_writer_that_nobody_followed_still_commits(self, store: SessionStore) -> None:
        late = await take(store)
        await store.commit(written(late))
        assert stored_version(await take(store, now=NOW + HOUR)) == 1

    async def test_a_late_commit_does_not_give_back_the_lease_of_another(self, store: SessionStore) -> None:
        late = await take(store)
        successor = await take(store, now=NOW + LEASE)
        await store.commit(written(late))
        assert isinstance(await store.claim(b"session", None, now=NOW + LEASE, lease=LEASE, wait=0), Busy)
        with pytest.raises(Conflict):
            await store.commit(written(successor))

    # --- duplicates ---

    async def test_a_redelivered_inbound_gets_the_same_bytes(self, store: SessionStore) -> None:
        await make(store, dedupe=Dedupe(b"message", b"the reply", NOW + HOUR))
        for _ in range(2):
            assert await store.claim(b"session", b"message", now=NOW, lease=LEASE, wait=0) == Duplicate(
                b"the reply"
            )
        await take(store)  # a duplicate holds no lease

    async def test_a_duplicate_is_answered_while_another_turn_holds_the_session(
        self, store: SessionStore
    ) -> None:
        await make(store, dedupe=Dedupe(b"message", b"the reply", NOW + HOUR))
        await take(store)
        answer = await store.claim(b"session", b"message", now=NOW, lease=LEASE, wait=0)
        assert answer == Duplicate(b"the reply")

    async def test_a_redelivery_that_waits_for_the_first_is_answered_with_its_reply(
        self, store: SessionStore
    ) -> None:
        first = await take(store, dedupe=b"message")
        second = asyncio.create_task(store.claim(b"session", b"message", now=NOW, lease=LEASE, wait=30))
        third = asyncio.create_task(take(store, dedupe=b"another", wait=30))
        await asyncio.sleep(0)
        await store.commit(written(first, dedupe=Dedupe(b"message", b"the reply", NOW + HOUR)))
        assert await second == Duplicate(b"the reply")
        assert stored_version(await third) == 1

    async def test_a_redelivery_that_waited_in_vain_is_answered_if_it_can_be(
        self, store: SessionStore
    ) -> None:
        clock = asyncio.get_running_loop().time
        for number, wait in enumerate((0.01, 0.1, 1.0, 10.0)):
            key = b"session %d" % number
            first = await take(store, key, dedupe=b"message")
            began = clock()
            waiting = asyncio.create_task(store.claim(key, b"message", now=NOW, lease=LEASE, wait=wait))
            await asyncio.sleep(0)
            await store.intent(written(first, dedupe=Dedupe(b"message", b"early", NOW + HOUR)))
            in_time = clock() - began < wait  # else the disk was slow, and the last look may have come before
            answer = await waiting
            if in_time:
                assert answer == Duplicate(b"early")
                return
        pytest.fail("nothing was stored within the longest wait")

    async def test_an_inbound_consumed_by_a_turn_that_died_is_seen(self, store: SessionStore) -> None:
        died = await take(store, dedupe=b"message")
        await store.intent(written(died, dedupe=Dedupe(b"message", None, NOW + HOUR)))
        claim = await take(store, dedupe=b"message", now=NOW + LEASE)
        assert claim.seen == Seen(None)
        assert stored_version(claim) == 1
        await store.commit(written(claim, dedupe=Dedupe(b"message", b"reply", NOW + HOUR)))
        assert await store.claim(b"session", b"message", now=NOW, lease=LEASE, wait=0) == Duplicate(b"reply")

    async def test_an_empty_reply_is_a_reply(self, store: SessionStore) -> None:
        await make(store, dedupe=Dedupe(b"message", b"", NOW + HOUR))
        assert await store.claim(b"session", b"message", now=NOW, lease=LEASE, wait=0) == Duplicate(b"")

    async def test_what_was_seen_outlives_later_turns_until_it_expires(self, store: SessionStore) -> None:
        for number in range(5):
            await make(store, dedupe=Dedupe(b"%d" % number, b"reply %d" % number, NOW + 100 + number))
        for number in range(5):
            claim = await store.claim(b"session", b"%d" % number, now=NOW + 99, lease=LEASE, wait=0)
            assert claim == Duplicate(b"reply %d" % number)
        assert await store.claim(b"session", b"1", now=NOW + 100, lease=LEASE, wait=0) == Duplicate(
            b"reply 1"
        )
        assert isinstance(await store.claim(b"session", b"0", now=NOW + 100, lease=LEASE, wait=0), Claim)

    async def test_an_expired_message_id_may_be_used_anew(self, store: SessionStore) -> None:
        await make(store, dedupe=Dedupe(b"message", b"old", NOW + 1))
        claim = await take(store, dedupe=b"message", now=NOW + 1)
        await store.commit(written(claim, dedupe=Dedupe(b"message", b"new", NOW + HOUR)))
        answer = await store.claim(b"session", b"message", now=NOW + 2, lease=LEASE, wait=0)
        assert answer == Duplicate(b"new")

    async def test_message_ids_belong_to_their_session(self, store: SessionStore) -> None:
        await make(store, b"a", dedupe=Dedupe(b"bc", b"reply", NOW + HOUR))
        for key, dedupe in ((b"b", b"bc"), (b"ab", b"c"), (b"a", b"b")):
            assert isinstance(await store.claim(key, dedupe, now=NOW, lease=LEASE, wait=0), Claim)

    # --- intents ---

    async def test_an_intent_is_due_once_its_lease_lapsed_and_its_time_came(
        self, store: SessionStore
    ) -> None:
        claim = await take(store)
        row = intent(claim, lease_until=NOW + 10, due_at=NOW + 20)
        await store.intent(written(claim, open_=(row,)))
        assert await store.due(now=NOW + 9, limit=10) == []
        assert await store.due(now=NOW + 10, limit=10) == []
        assert await store.due(now=NOW + 20, limit=10) == [row]
        late = intent(claim, lease_until=NOW + 30, due_at=NOW)
        await store.intent(written(claim, version=1, open_=(late,)))
        assert await store.due(now=NOW + 29, limit=10) == []
        assert await store.due(now=NOW + 30, limit=10) == [late]

    async def test_due_intents_come_oldest_first(self, store: SessionStore) -> None:
        rows = []
        for number in (3, 1, 2, 0):
            claim = await take(store, b"session %d" % number)
            rows.append(intent(claim, id_=b"%d" % number, due_at=NOW + number))
            await store.commit(written(claim, open_=(rows[-1],)))
        due = await store.due(now=NOW + HOUR, limit=10)
        assert due == sorted(rows, key=lambda row: row.due_at)
        assert await store.due(now=NOW + HOUR, limit=2) == due[:2]

    async def test_a_claim_shows_the_open_intents_of_its_session(self, store: SessionStore) -> None:
        claim = await take(store)
        rows = tuple(intent(claim, id_=b"%d" % number, due_at=NOW + number) for number in range(3))
        await store.commit(written(claim, open_=rows[::-1]))
        await make(store, b"another")
        assert (await take(store)).intents == rows
        assert (await take(store, b"another")).intents == ()

    async def test_backing_off_replaces_an_intent(self, store: SessionStore) -> None:
        claim = await take(store)
        await store.intent(written(claim, open_=(intent(claim),)))
        recovering = await take(store, now=NOW + HOUR)
        later = intent(recovering, due_at=NOW + 2 * HOUR, tries=1)
        await store.commit(written(recovering, open_=(later,)))
        assert await store.due(now=NOW + 2 * HOUR - 1, limit=10) == []
        assert await store.due(now=NOW + 2 * HOUR, limit=10) == [later]

    async def test_a_closed_intent_is_gone(self, store: SessionStore) -> None:
        claim = await take(store)
        one, two = intent(claim, id_=b"one"), intent(claim, id_=b"two")
        await store.intent(written(claim, open_=(one, two)))
        await store.commit(written(claim, version=1, close=(b"one", b"unknown")))
        assert await store.due(now=NOW + HOUR, limit=10) == [two]
        assert (await take(store)).intents == (two,)

    async def test_renewing_moves_the_lease_of_intents_with_the_same_fence(self, store: SessionStore) -> None:
        claim = await take(store)
        rows = tuple(intent(claim, id_=name) for name in (b"one", b"two"))
        other = IntentRow(b"other", claim.key, claim.fence + 5, NOW, NOW)
        await store.intent(written(claim, open_=(*rows, other)))
        renewed = await store.renew(claim.key, (b"one", b"other", b"unknown"), claim.fence, NOW + 500)
        assert renewed == 1
        assert await store.due(now=NOW + 499, limit=10) == [other, rows[1]]
        assert len(await store.due(now=NOW + 500, limit=10)) == 3

    # --- atomicity ---

    async def test_an_intent_of_another_session_is_refused_with_everything_else(
        self, store: SessionStore
    ) -> None:
        claim = await take(store)
        foreign = IntentRow(b"id", b"another", claim.fence, NOW, NOW)
        with pytest.raises(ValueError, match="must belong"):
            await store.commit(written(claim, open_=(foreign,), dedupe=Dedupe(b"m", b"reply", NOW + HOUR)))
        assert await everything(store) == []
        assert (await take(store, dedupe=b"m")).seen is None

    async def test_the_id_of_an_intent_is_unique_in_the_store(self, store: SessionStore) -> None:
        one = await take(store, b"session one")
        row = intent(one)
        await store.commit(written(one, open_=(row,)))
        two = await take(store, b"session two")
        for write in (written(two, open_=(intent(two),)), written(two, close=(row.id,))):
            with pytest.raises(ValueError, match="another session"):
                await store.commit(write)
        assert [record.key for record in await everything(store)] == [b"session one"]
        assert await store.due(now=NOW + HOUR, limit=10) == [row]

    @pytest.mark.parametrize("bad", ["expires_at", "key", "state"])
    async def test_a_write_that_cannot_be_stored_leaves_nothing_and_no_neighbour_fails(
        self, store: SessionStore, bad: str
    ) -> None:
        claims = [await take(store, b"session %d" % number) for number in range(3)]
        nothing: bytes = None  # type: ignore[assignment] # what a bug might pass
        never: float = None  # type: ignore[assignment]
        wrong = {
            "expires_at": written(claims[1], dedupe=Dedupe(b"m", b"reply", never)),
            "key": written(claims[1], dedupe=Dedupe(nothing, b"reply", NOW)),
            "state": written(claims[1], state=nothing),
        }
        outcomes = await asyncio.gather(
            store.commit(written(claims[0])),
            store.commit(wrong[bad]),
            store.commit(written(claims[2])),
            return_exceptions=True,
        )
        assert isinstance(outcomes[1], Exception)
        assert (outcomes[0], outcomes[2]) == (None, None)
        assert {record.key for record in await everything(store)} == {b"session 0", b"session 2"}
        again = await take(store, b"session 1", dedupe=b"m", wait=30)  # for its lease, which is given back
        assert again.seen is None
        assert await store.due(now=NOW + HOUR, limit=10) == []

    # --- expiry, sweeping, ending ---

    async def test_an_expired_session_is_still_shown_to_a_claim(self, store: SessionStore) -> None:
        await make(store, expires_at=NOW + 1)
        claim = await take(store, now=NOW + HOUR)
        assert claim.record is not None
        assert claim.record.expires_at == NOW + 1

    async def test_a_sweep_removes_what_has_expired_and_nothing_else(self, store: SessionStore) -> None:
        for number in range(10):
            await make(store, b"%d" % number, expires_at=NOW + number)
        assert await store.sweep(now=NOW + 4, limit=100) == 5
        assert {record.key for record in await everything(store)} == {b"5", b"6", b"7", b"8", b"9"}
        assert await store.sweep(now=NOW + 4, limit=100) == 0

    async def test_a_sweep_removes_at_most_its_limit(self, store: SessionStore) -> None:
        for number in range(700):
            await make(store, b"%d" % number, expires_at=NOW + number / 10)
        swept = [await store.sweep(now=NOW + HOUR, limit=300) for _ in range(4)]
        assert swept == [300, 300, 100, 0]

    async def test_a_prolonged_session_is_swept_when_it_expires_and_not_before(
        self, store: SessionStore
    ) -> None:
        for expires_at in (NOW + 10, NOW + 500, NOW + 1000):
            await make(store, expires_at=expires_at)
            assert await store.sweep(now=NOW + 100, limit=10) == (expires_at == NOW + 10)
        assert await store.sweep(now=NOW + 999, limit=10) == 0
        assert await store.sweep(now=NOW + 1000, limit=10) == 1

    async def test_a_shortened_session_is_swept_when_it_expires(self, store: SessionStore) -> None:
        await make(store, expires_at=NOW + 100 * HOUR)
        await make(store, expires_at=NOW + 10)
        assert await store.sweep(now=NOW + 9, limit=10) == 0
        assert await store.sweep(now=NOW + 10, limit=10) == 1
        assert await store.sweep(now=NOW + 1000 * HOUR, limit=10) == 0

    async def test_a_session_that_never_expires_stays(self, store: SessionStore) -> None:
        await make(store, expires_at=float("inf"))
        assert await store.sweep(now=NOW * 1000, limit=10) == 0

    async def test_a_session_made_anew_is_swept_by_its_new_expiry(self, store: SessionStore) -> None:
        await make(store, expires_at=NOW + 10)
        assert await store.end(b"session")
        await make(store, expires_at=NOW + HOUR)
        assert await store.sweep(now=NOW + 100, limit=10) == 0
        assert await store.sweep(now=NOW + HOUR, limit=10) == 1

    async def test_a_session_with_an_open_intent_is_never_swept(self, store: SessionStore) -> None:
        await make(store, b"plain", expires_at=NOW)
        claim = await take(store, b"paying")
        await store.commit(written(claim, expires_at=NOW, open_=(intent(claim),)))
        assert await store.sweep(now=NOW + HOUR, limit=10) == 1
        assert [record.key for record in await everything(store)] == [b"paying"]
        assert len(await store.due(now=NOW + HOUR, limit=10)) == 1

        recovered = await take(store, b"paying", now=NOW + HOUR)
        await store.commit(written(recovered, expires_at=NOW, close=(b"intent",)))
        assert await store.sweep(now=NOW + HOUR, limit=10) == 1
        assert await everything(store) == []

    async def test_a_session_that_a_turn_holds_is_not_swept(self, store: SessionStore) -> None:
        await make(store, expires_at=NOW)
        claim = await take(store)
        assert await store.sweep(now=NOW + 1, limit=10) == 0
        await store.commit(written(claim, expires_at=NOW + 1))
        assert await store.sweep(now=NOW + 1, limit=10) == 1

    async def test_what_was_seen_outlives_the_session(self, store: SessionStore) -> None:
        await make(store, expires_at=NOW, dedupe=Dedupe(b"message", b"reply", NOW + HOUR))
        assert await store.sweep(now=NOW + HOUR - 1, limit=10) == 1
        answer = await store.claim(b"session", b"message", now=NOW + HOUR - 1, lease=LEASE, wait=0)
        assert answer == Duplicate(b"reply")

    async def test_what_was_seen_is_swept_when_it_expires(self, store: SessionStore) -> None:
        for number in range(300):
            expires_at = NOW + (1 if number % 2 else HOUR)
            await make(store, dedupe=Dedupe(b"%d" % number, b"reply", expires_at))
        assert await store.sweep(now=NOW + 100, limit=10) == 0
        # An earlier `now` shows whether a record is there at all.
        answers = [
            await store.claim(b"session", b"%d" % number, now=NOW, lease=0, wait=0) for number in range(300)
        ]
        assert [type(answer) for answer in answers] == [Duplicate, Claim] * 150

    async def test_ending_removes_a_session_and_what_it_has_seen(self, store: SessionStore) -> None:
        await make(store, b"other", dedupe=Dedupe(b"message", b"reply", NOW + HOUR))
        for number in range(3):
            await make(store, dedupe=Dedupe(b"%d" % number, b"reply", NOW + HOUR))
        assert await store.end(b"session") is True
        assert await store.end(b"session") is False
        assert [record.key for record in await everything(store)] == [b"other"]
        for number in range(3):
            claim = await take(store, dedupe=b"%d" % number)
            assert (claim.record, claim.seen) == (None, None)
            await store.release(claim)
        answer = await store.claim(b"other", b"message", now=NOW, lease=LEASE, wait=0)
        assert answer == Duplicate(b"reply")

    async def test_a_session_with_an_open_intent_cannot_be_ended(self, store: SessionStore) -> None:
        claim = await take(store)
        await store.intent(
            written(claim, open_=(intent(claim),), dedupe=Dedupe(b"message", b"reply", NOW + HOUR))
        )
        assert await store.end(b"session") is False
        answer = await store.claim(b"session", b"message", now=NOW, lease=LEASE, wait=0)
        assert answer == Duplicate(b"reply")
        await store.commit(written(claim, version=1, close=(b"intent",)))
        assert await store.end(b"session") is True

    async def test_an_ended_session_begins_anew(self, store: SessionStore) -> None:
        for _ in range(3):
            await make(store)
        before = await take(store)
        await store.release(before)
        assert await store.end(b"session")
        claim = await take(store)
        assert claim.fence > before.fence
        await store.commit(written(claim))
        assert [record.version for record in await everything(store)] == [1]

    # --- other keys ---

    async def test_what_a_session_has_seen_can_be_read(self, store: SessionStore) -> None:
        assert await store.seen(b"session") == ()
        records = {Dedupe(b"%d" % number, b"reply %d" % number, NOW + number) for number in range(3)}
        for dedupe in records:
            await make(store, dedupe=dedupe)
        await make(store, b"other", dedupe=Dedupe(b"0", b"another", NOW + HOUR))
        claim = await take(store, b"paying")
        await store.intent(written(claim, dedupe=Dedupe(b"0", None, NOW + HOUR)))
        assert set(await store.seen(b"session")) == records
        assert await store.seen(b"session", b"2") == (Dedupe(b"2", b"reply 2", NOW + 2),)
        assert await store.seen(b"session", b"3") == ()
        assert await store.seen(b"paying") == (Dedupe(b"0", None, NOW + HOUR),)

    async def test_a_session_sealed_anew_is_the_same_session(self, store: SessionStore) -> None:
        await make(store, dedupe=Dedupe(b"message", b"old reply", NOW + HOUR))
        claim = await take(store)
        row = intent(claim, due_at=NOW + 5)
        await store.commit(written(claim, open_=(row,), expires_at=NOW + 7))
        (before,) = await everything(store)

        replies = ((b"message", b"new reply"), (b"unknown", b"nobody's"))
        assert await store.replace(resealed(before, replies=replies))

        assert await everything(store) == [sealed_anew(before)]
        assert await store.seen(b"session") == (Dedupe(b"message", b"new reply", NOW + HOUR),)
        assert await store.due(now=NOW + HOUR, limit=10) == [row]
        assert await store.sweep(now=NOW + HOUR, limit=10) == 0
        after = await take(store)
        await store.commit(written(after, close=(row.id,), expires_at=NOW + 7))
        assert await store.sweep(now=NOW + 6, limit=10) == 0
        assert await store.sweep(now=NOW + 7, limit=10) == 1

    async def test_sealing_anew_gives_no_reply_to_an_inbound_without_one(self, store: SessionStore) -> None:
        claim = await take(store)
        await store.intent(written(claim, dedupe=Dedupe(b"message", None, NOW + HOUR)))
        (record,) = await everything(store)
        assert await store.replace(resealed(record, replies=((b"message", b"reply"),)))
        assert await store.seen(b"session") == (Dedupe(b"message", None, NOW + HOUR),)

    async def test_a_turn_at_work_does_not_notice_that_its_session_is_sealed_anew(
        self, store: SessionStore
    ) -> None:
        await make(store)
        claim = await take(store)
        assert claim.record is not None
        assert await store.replace(resealed(claim.record))
        assert isinstance(await store.claim(b"session", None, now=NOW, lease=LEASE, wait=0), Busy)
        await store.commit(written(claim, state=b"of the turn"))
        assert [(record.version, record.state) for record in await everything(store)] == [(2, b"of the turn")]

    async def test_what_was_written_meanwhile_is_not_replaced(self, store: SessionStore) -> None:
        await make(store, dedupe=Dedupe(b"message", b"reply", NOW + HOUR))
        (old,) = await everything(store)
        await make(store, state=b"newer")
        (newer,) = await everything(store)
        for replacement in (resealed(old), resealed(old, to=b"moved"), resealed(old, key=b"nobody")):
            assert not await store.replace(replacement)
        assert await everything(store) == [newer]
        assert await store.seen(b"session") == (Dedupe(b"message", b"reply", NOW + HOUR),)

    async def test_a_session_that_began_anew_is_another_one(self, store: SessionStore) -> None:
        await make(store)
        (old,) = await everything(store)
        assert await store.end(b"session")
        await make(store, state=b"anew")
        (anew,) = await everything(store)
        assert anew.version == old.version
        assert not await store.replace(resealed(old))
        assert await everything(store) == [anew]

    async def test_a_session_moves_with_all_that_belongs_to_it(self, store: SessionStore) -> None:
        for number in range(3):
            dedupe = Dedupe(b"%d" % number, b"reply %d" % number, NOW + HOUR + number)
            await make(store, dedupe=dedupe, expires_at=NOW + HOUR)
        claim = await take(store)
        rows = tuple(intent(claim, id_=b"%d" % number, due_at=NOW + number) for number in range(2))
        await store.intent(written(claim, version=3, open_=rows, dedupe=Dedupe(b"3", None, NOW + HOUR)))
        await store.release(claim)
        await make(store, b"stays", dedupe=Dedupe(b"0", b"other", NOW + HOUR))
        before = next(record for record in await everything(store) if record.key == b"session")

        replacement = resealed(
            before,
            to=b"moved",
            replies=((b"0", b"resealed"),),
            intents=((b"0", b"zero"), (b"1", b"one"), (b"2", b"two")),
        )
        assert await store.replace(replacement)

        assert {record.key for record in await everything(store)} == {b"moved", b"stays"}
        assert await store.seen(b"session") == ()
        assert isinstance(await store.claim(b"session", b"0", now=NOW, lease=0, wait=0), Claim)
        for name, reply in ((b"0", b"resealed"), (b"1", b"reply 1"), (b"2", b"reply 2")):
            answer = await store.claim(b"moved", name, now=NOW, lease=LEASE, wait=0)
            assert answer == Duplicate(reply)
        moved = await take(store, b"moved", dedupe=b"3")
        assert moved.record == sealed_anew(before, b"moved")
        assert moved.seen == Seen(None)
        assert moved.fence > before.fence
        named = [(b"zero", NOW), (b"one", NOW + 1)]
        assert [(row.id, row.due_at) for row in moved.intents] == named
        assert {row.session for row in moved.intents} == {b"moved"}
        assert await store.due(now=NOW + HOUR, limit=10) == list(moved.intents)
        assert await store.renew(b"moved", (b"zero", b"0"), claim.fence, NOW + 1) == 1
        await store.commit(written(moved, close=(b"zero", b"one"), expires_at=NOW + HOUR))
        assert await store.sweep(now=NOW + 2 * HOUR, limit=10) == 2
        for name in (b"0", b"1", b"2", b"3"):
            assert await store.seen(b"moved", name) == ()

    async def test_a_session_does_not_move_without_its_intents(self, store: SessionStore) -> None:
        claim = await take(store)
        rows = (intent(claim), intent(claim, id_=b"forgotten"))
        await store.commit(written(claim, open_=rows, dedupe=Dedupe(b"m", b"reply", NOW + HOUR)))
        (before,) = await everything(store)
        with pytest.raises(ValueError, match="new id for each"):
            await store.replace(resealed(before, to=b"moved", intents=((b"intent", b"new"),)))
        assert await everything(store) == [before]
        assert set((await take(store)).intents) == set(rows)
        assert len(await store.seen(b"session")) == 1

    async def test_what_a_move_cut_short_has_left_gives_way(self, store: SessionStore) -> None:
        await make(store, dedupe=Dedupe(b"m", b"reply", NOW + HOUR))
        claim = await take(store, b"moved")
        left = written(claim, open_=(intent(claim),), dedupe=Dedupe(b"left", b"over", NOW + HOUR))
        await store.commit(left)
        before = next(record for record in await everything(store) if record.key == b"session")
        assert await store.replace(resealed(before, to=b"moved"))
        assert await everything(store) == [sealed_anew(before, b"moved")]
        assert await store.seen(b"moved") == (Dedupe(b"m", b"reply", NOW + HOUR),)
        assert await store.due(now=NOW + HOUR, limit=10) == []

    # --- the rest ---

    async def test_a_bound_property_keeps_its_first_value(self, store: SessionStore) -> None:
        assert await store.bind("lookup key", b"first") == b"first"
        assert await store.bind("lookup key", b"second") == b"first"
        assert await store.bind("boot", b"\xff") == b"\xff"

    async def test_a_bound_property_changes_for_who_knows_it(self, store: SessionStore) -> None:
        assert not await store.rebind("keys", b"", b"new")
        assert await store.bind("keys", b"old") == b"old"
        assert not await store.rebind("keys", b"wrong", b"new")
        assert await store.rebind("keys", b"old", b"new")
        assert not await store.rebind("keys", b"old", b"newer")
        assert await store.bind("keys", b"first") == b"new"

    async def test_a_scan_sees_every_session_once_while_they_change(self, store: SessionStore) -> None:
        count = 700
        for number in range(count):
            await make(store, b"%05d" % number)
        seen: list[bytes] = []
        async for record in store.scan():
            if len(seen) % 50 == 0:
                await make(store, record.key)  # changed
                await make(store, b"%05d again" % len(seen))  # added
                await store.end(b"%05d" % (count - 1 - len(seen) // 50))  # removed
            seen.append(record.key)
        assert len(seen) == len(set(seen))
        assert {b"%05d" % number for number in range(count - 30)} <= set(seen)

    async def test_turns_of_one_session_never_interleave(self, store: SessionStore) -> None:
        async def turn() -> None:
            claim = await take(store, wait=60)
            count = 0 if claim.record is None else int(claim.record.state)
            await asyncio.sleep(0)
            await store.commit(written(claim, state=b"%d" % (count + 1)))

        await asyncio.gather(*(turn() for _ in range(50)))
        assert [(record.version, record.state) for record in await everything(store)] == [(50, b"50")]

    async def test_hundreds_of_sessions_at_once(self, store: SessionStore) -> None:
        async def member(number: int) -> None:
            key = b"member %d" % number
            for turn in range(6):
                dedupe = b"message %d" % turn
                claim = await take(store, key, dedupe=dedupe, wait=60)
                assert stored_version(claim) == turn
                reply = b"%d %d" % (number, turn)
                await store.commit(written(claim, state=reply, dedupe=Dedupe(dedupe, reply, NOW + HOUR)))
                answer = await store.claim(key, dedupe, now=NOW, lease=LEASE, wait=60)
                assert answer == Duplicate(reply)

        await asyncio.gather(*(member(number) for number in range(400)))
        records = await everything(store)
        assert {record.key: record.state for record in records} == {
            b"member %d" % number: b"%d 5" % number for number in range(400)
        }


# --- what the tests say ---


async def take(
    store: SessionStore,
    key: bytes = b"session",
    *,
    dedupe: bytes | None = None,
    now: float = NOW,
    lease: float = LEASE,
    wait: float = 0,
) -> Claim:
    claim = await store.claim(key, dedupe, now=now, lease=lease, wait=wait)
    assert isinstance(claim, Claim), claim
    assert claim.key == key
    return claim


def stored_version(claim: Claim) -> int:
    return 0 if claim.record is None else claim.record.version


def written(
    claim: Claim,
    *,
    version: int | None = None,
    state: bytes = b"state",
    address: bytes = b"address",
    expires_at: float = NOW + HOUR,
    dedupe: Dedupe | None = None,
    open_: tuple[IntentRow, ...] = (),
    close: tuple[bytes, ...] = (),
) -> Write:
    """The write of a turn; `version` is the claimed one unless given."""
    expected = stored_version(claim) if version is None else version
    return Write(claim.key, claim.fence, expected, expires_at, state, address, dedupe, open_, close)


async def make(
    store: SessionStore,
    key: bytes = b"session",
    *,
    state: bytes = b"state",
    expires_at: float = NOW + HOUR,
    dedupe: Dedupe | None = None,
) -> None:
    """One turn from claim to commit."""
    await store.commit(written(await take(store, key), state=state, expires_at=expires_at, dedupe=dedupe))


def resealed(
    record: Record,
    *,
    key: bytes | None = None,
    to: bytes | None = None,
    replies: tuple[tuple[bytes, bytes], ...] = (),
    intents: tuple[tuple[bytes, bytes], ...] = (),
) -> Replacement:
    """What puts a session under other keys; it keeps its own unless one is given."""
    key = record.key if key is None else key
    return Replacement(
        key, record.version, record.fence, to or key, b"new state", b"new address", replies, intents
    )


def sealed_anew(record: Record, key: bytes | None = None) -> Record:
    """What becomes of a session by `resealed`."""
    return structs.replace(record, key=key or record.key, state=b"new state", address=b"new address")


def intent(
    claim: Claim,
    *,
    id_: bytes = b"intent",
    lease_until: float = NOW,
    due_at: float = NOW,
    tries: int = 0,
) -> IntentRow:
    return IntentRow(id_, claim.key, claim.fence, lease_until, due_at, tries)


async def everything(store: SessionStore) -> list[Record]:
    scan: AsyncIterator[Record] = store.scan()
    return [record async for record in scan]


async def cancelled(task: asyncio.Task[Claim]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert task.cancelled()
