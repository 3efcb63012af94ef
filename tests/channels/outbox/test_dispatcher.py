"""The dispatcher: what leaves when, what comes back, and what is given up."""

from __future__ import annotations

import asyncio
import functools
from typing import Any

import pytest

from kikao.channels.outbox import Delivered, Destination, Dispatcher, Letter, Outcome, Rejected, TryLater
from kikao.channels.outbox.sender import FIRST, LONGEST
from kikao.events import MessageDead, MessageReported, MessageRetried, MessageSent
from kikao.sessions.outgoing import Outgoing, Status
from kikao.sessions.posting import GOOD_FOR
from kikao.sessions.stores.memory import MemoryStore
from tests.channels.outbox.office import CRM, SHOP, Office, Post, newest, running
from tests.waiting import until


async def test_a_lane_leaves_in_order_one_at_a_time_and_lanes_side_by_side() -> None:
    crm = Post()
    office = Office(crm=Destination(sender=crm))
    for lane in (b"a", b"b", b"c"):
        await office.post(*(b"%s%d" % (lane, number) for number in range(4)), session=lane)
    assert await office.dispatcher.once() == 12
    for lane in (b"a", b"b", b"c"):
        mine = [body for body in crm.bodies if body.startswith(lane)]
        assert mine == [b"%s%d" % (lane, number) for number in range(4)]
    assert crm.most == 3
    assert await office.states() == ["sent"] * 12
    sent = office.told(MessageSent)
    assert len(sent) == 12
    assert sent[0] == MessageSent(
        to=CRM,
        message=crm.letters[0].id.hex(),
        session=crm.bodies[0][:1].hex(),
        tries=1,
        ms=sent[0].ms,  # type: ignore[attr-defined]
        waited=0.0,
    )


async def test_a_message_leaves_at_once_when_it_is_told_of() -> None:
    crm = Post()
    office = Office(crm=Destination(sender=crm))
    patient = Dispatcher(office.sessions, office.destinations, office.events.append, poll=3600)
    async with running(patient):
        await asyncio.sleep(0)
        await office.post(b"1", b"2")
        patient.wake()
        await until(lambda: len(crm.letters) == 2, "two letters")


async def test_what_another_process_posted_is_found_by_looking() -> None:
    crm = Post()
    office = Office(crm=Destination(sender=crm))
    async with running(office.dispatcher):
        await asyncio.sleep(0)
        await office.post(b"1")
        await until(lambda: crm.letters, "a letter")


async def test_what_was_not_taken_comes_again_later_and_later_and_its_lane_waits() -> None:
    crm = Post(lambda it: TryLater("HTTP 503") if it.body == b"1" and it.tries < 4 else Delivered())
    office = Office(crm=Destination(sender=crm))
    await office.post(b"1", b"2")
    waits = [FIRST, 2 * FIRST, 4 * FIRST]
    for tries, wait in enumerate(waits, 1):
        assert await office.dispatcher.once() == 1
        assert (crm.letters[-1].body, crm.letters[-1].tries) == (b"1", tries)
        office.clock.advance(wait - 0.25)
        assert await office.dispatcher.once() == 0
        office.clock.advance(0.25)
    assert await office.dispatcher.once() == 2
    assert crm.bodies == [b"1"] * 4 + [b"2"]
    retried = office.told(MessageRetried)
    assert [(event.retry_after, event.reason) for event in retried] == [  # type: ignore[attr-defined]
        (wait, "HTTP 503") for wait in waits
    ]


async def test_chance_takes_messages_that_failed_together_apart_and_no_wait_is_endless() -> None:
    for chance, low, high in ((0.0, FIRST / 10, FIRST / 10), (1.0, LONGEST, LONGEST)):
        crm = Post(lambda _: TryLater("no"))
        office = Office(crm=Destination(sender=crm, tries=100))
        dispatcher = Dispatcher(
            office.sessions,
            office.destinations,
            office.events.append,
            chance=functools.partial(float, chance),
        )
        await office.post(b"1")
        for _ in range(30):
            await dispatcher.once()
            office.clock.advance(LONGEST)
        last = office.told(MessageRetried)[-1]
        assert low <= last.retry_after <= high  # type: ignore[attr-defined]


async def test_what_the_other_side_rejects_is_dead_and_its_lane_goes_on() -> None:
    crm = Post(lambda letter: Rejected("HTTP 410") if letter.body == b"1" else Delivered())
    office = Office(crm=Destination(sender=crm))
    await office.post(b"1", b"2")
    assert await office.dispatcher.once() == 2
    assert await office.states() == ["dead", "sent"]
    (dead,) = office.told(MessageDead)
    assert dead.reason == "HTTP 410"  # type: ignore[attr-defined]


async def test_a_message_that_fails_again_and_again_is_dead_in_the_end() -> None:
    crm = Post(lambda _: TryLater("ConnectError"))
    office = Office(crm=Destination(sender=crm, tries=3))
    await office.post(b"1", b"2")
    for _ in range(3):
        await office.dispatcher.once()
        office.clock.advance(LONGEST)
    assert await office.states() == ["dead", "waiting"]
    (dead,) = office.told(MessageDead)
    assert dead.reason == "3 tries; the last: ConnectError"  # type: ignore[attr-defined]


async def test_a_message_that_kills_its_process_each_time_is_dead_too() -> None:
    crm = Post()
    office = Office(crm=Destination(sender=crm, tries=2))
    await office.post(b"1")
    for _ in range(2):
        taken = await office.store.take(now=office.clock(), lease=1.0, limit=1, destinations=[CRM])
        assert len(taken) == 1
        office.clock.advance(office.dispatcher.lease)
    await office.dispatcher.once()
    assert crm.letters == []
    assert await office.states() == ["dead"]


async def test_what_has_expired_is_not_sent() -> None:
    crm = Post(lambda _: TryLater("HTTP 500"))
    office = Office(crm=Destination(sender=crm))
    await office.post(b"1")
    await office.dispatcher.once()
    office.clock.advance(GOOD_FOR)
    await office.dispatcher.once()
    assert len(crm.letters) == 1
    (dead,) = office.told(MessageDead)
    assert dead.reason == "expired; the last: HTTP 500"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("problem", "reason"),
    [(ValueError("amount of Amina"), "ValueError"), (TimeoutError(), "no answer in time")],
)
async def test_an_error_of_a_sender_is_told_by_its_type(problem: Exception, reason: str) -> None:
    def breaks(letter: Letter) -> Outcome:
        raise problem

    office = Office(crm=Destination(sender=Post(breaks)))
    await office.post(b"1")
    await office.dispatcher.once()
    (retried,) = office.told(MessageRetried)
    assert retried.reason == reason  # type: ignore[attr-defined]


async def test_a_sender_that_does_not_end_is_left() -> None:
    crm = Post()
    crm.hold = asyncio.Event()
    office = Office(crm=Destination(sender=crm, timeout=0.01))
    await office.post(b"1")
    await office.dispatcher.once()
    (retried,) = office.told(MessageRetried)
    assert retried.reason == "no answer in time"  # type: ignore[attr-defined]


async def test_only_so_many_are_on_their_way() -> None:
    crm, shop = Post(), Post()
    office = Office(crm=Destination(sender=crm, at_once=3), shop=Destination(sender=shop, at_once=50))
    dispatcher = office.another(at_once=10)
    for number in range(30):
        for to in (CRM, SHOP):
            await office.post(b"1", session=b"%d" % number, to=to)
    crm.hold, shop.hold = asyncio.Event(), asyncio.Event()
    async with running(dispatcher):
        await until(lambda: len(crm.letters) == 3 and len(shop.letters) == 7, "as many to be sent as may be")
        assert len(dispatcher) == 10
        for hold in (crm.hold, shop.hold):
            hold.set()
        await until(lambda: len(crm.letters) + len(shop.letters) == 60, "all letters")
    assert crm.most == 3
    assert shop.most <= 10


async def test_where_not_all_can_send_who_can_sends_for_every_shard() -> None:
    connected, line, other = [False], Post(), Post()
    office = Office(
        crm=Destination(sender=line, here=lambda: connected[0]),
        shop=Destination(sender=other),
    )
    for number in range(20):
        await office.post(b"%d" % number, session=bytes([number * 12]))
        await office.post(b"%d" % number, to=SHOP, session=bytes([number * 12]))
    mine = Dispatcher(office.sessions, office.destinations, office.events.append, shards=lambda: range(16))
    await mine.once()
    assert line.letters == []
    assert 0 < len(other.letters) < 20  # those of its own shards
    connected[0] = True
    await mine.once()
    assert len(line.letters) == 20


async def test_two_dispatchers_never_send_the_same_and_each_its_own_shards() -> None:
    crm = Post()
    office = Office(crm=Destination(sender=crm))
    for first in range(0, 256, 4):
        await office.post(b"%d" % first, session=bytes([first]))
    halves = [
        Dispatcher(
            office.sessions, office.destinations, office.events.append, shards=functools.partial(list, shards)
        )
        for shards in (range(32), range(32, 64))
    ]
    assert await asyncio.gather(*(half.once() for half in halves)) == [32, 32]
    assert len(set(crm.bodies)) == 64


async def test_a_stop_waits_for_what_is_on_its_way_and_gives_the_rest_back() -> None:
    crm, shop = Post(), Post()
    office = Office(crm=Destination(sender=crm), shop=Destination(sender=shop))
    await office.post(b"1")
    await office.post(b"1", to=SHOP)
    crm.hold, shop.hold = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(office.dispatcher.run())
    await until(lambda: crm.letters and shop.letters, "two on their way")
    stopping = asyncio.create_task(office.dispatcher.stop(0.05))
    crm.hold.set()
    await stopping
    await task
    assert await office.states() == ["sent", "waiting"]
    shop.hold.set()
    await office.another().once()
    assert await office.states() == ["sent", "sent"]
    assert [letter.tries for letter in shop.letters] == [1, 2]


async def test_what_was_just_taken_when_it_stops_is_given_back_untried() -> None:
    class Slow(MemoryStore):
        async def take(self, **asked: Any) -> list[Outgoing]:
            taken = await super().take(**asked)
            asking.set()
            await answers.wait()
            return taken

    asking, answers, crm = asyncio.Event(), asyncio.Event(), Post()
    office = Office(crm=Destination(sender=crm))
    office.store.store = Slow()
    await office.post(b"1")
    looking = asyncio.create_task(office.dispatcher.run())
    await asking.wait()
    stopping = asyncio.create_task(office.dispatcher.stop(1.0))
    await asyncio.sleep(0)
    answers.set()
    await asyncio.gather(stopping, looking)
    assert crm.letters == []
    await office.another().once()
    assert [letter.tries for letter in crm.letters] == [1]


async def test_a_store_that_is_away_for_a_while_loses_nothing_and_doubles_nothing() -> None:
    crm = Post()
    office = Office(crm=Destination(sender=crm))
    await office.post(b"1", b"2")
    crm.hold = asyncio.Event()
    async with running(office.dispatcher):
        await until(lambda: crm.letters, "a letter")
        office.store.unavailable = True
        crm.hold.set()
        await until(lambda: office.store.calls.get("settle", 0) >= 2, "a second try to settle")
        office.store.unavailable = False
        await until(lambda: len(office.told(MessageSent)) == 2, "both to be sent")
    assert crm.bodies == [b"1", b"2"]


@pytest.mark.parametrize("stored", [True, False])
async def test_an_outcome_that_nobody_confirmed_is_stored_again(stored: bool) -> None:
    crm = Post()
    office = Office(crm=Destination(sender=crm))
    await office.post(b"1", b"2")
    office.store.unanswered = ("settle", 1, stored)
    await office.dispatcher.once()
    assert crm.bodies == [b"1", b"2"]
    assert await office.states() == ["sent", "sent"]


async def test_who_was_slower_than_its_lease_settles_nothing() -> None:
    crm = Post()
    office = Office(crm=Destination(sender=crm))
    await office.post(b"1")
    crm.hold = asyncio.Event()
    slow = asyncio.create_task(office.dispatcher.once())
    await until(lambda: crm.letters, "a letter")
    office.clock.advance(office.dispatcher.lease)
    other = asyncio.create_task(office.another().once())
    await until(lambda: len(crm.letters) == 2, "two letters")
    crm.hold.set()
    await asyncio.gather(slow, other)
    assert len(office.told(MessageSent)) == 1
    assert {letter.id for letter in crm.letters} == {crm.letters[0].id}, "a receiver can tell"


async def test_a_payload_that_was_put_in_another_place_is_dead_and_never_sent() -> None:
    crm = Post()
    office = Office(crm=Destination(sender=crm), shop=Destination(sender=crm))
    (message,) = await office.post(b"1")
    (other,) = await office.post(b"2", to=SHOP)
    await office.store.reseal(other, message.payload)
    await office.dispatcher.once()
    assert crm.bodies == [b"1"]
    assert await office.states() == ["sent", "dead"]


async def test_reports_find_their_message_by_what_the_other_side_calls_it() -> None:
    office = Office(crm=Destination(sender=Post(lambda _: Delivered("wamid.1"))))
    await office.post(b"1")
    await office.dispatcher.once()
    report = office.dispatcher.report
    assert await report(CRM, "wamid.2", Status.READ) == "unknown"
    for status, said in ((Status.READ, "raised"), (Status.DELIVERED, "old"), (Status.READ, "old")):
        assert await report(CRM, "wamid.1", status) == said
    assert office.told(MessageReported) == [MessageReported(to=CRM, status="read")]


async def test_without_destinations_there_is_nothing_to_do() -> None:
    office = Office()
    await office.dispatcher.run()
    assert await office.dispatcher.once() == 0
    with pytest.raises(ValueError, match="at most"):
        Office(crm=Destination(sender=Post(), timeout=61.0))


async def test_what_was_held_up_for_longer_than_its_lease_is_left_to_who_has_it_now() -> None:
    class Slow(MemoryStore):
        async def pace(self, name: str, **asked: Any) -> float:
            office.clock.advance(delay.pop() if delay else 0.0)  # as by a machine that stood still
            return await super().pace(name, **asked)

    crm = Post()
    office = Office(crm=Destination(sender=crm))
    delay = [office.dispatcher.lease - 5.0]
    office.store.store = Slow()
    await office.post(b"1")
    await office.dispatcher.once()
    assert crm.letters == [], "another one may send it before a try would end"
    office.clock.advance(5.0)
    await office.another().once()
    assert crm.bodies == [b"1"]


async def test_a_slow_destination_makes_nobody_elses_lease_longer() -> None:
    office = Office(
        crm=Destination(sender=Post(), timeout=30.0), shop=Destination(sender=Post(), timeout=2.0)
    )
    office.destinations[CRM].sender.hold = office.destinations[SHOP].sender.hold = asyncio.Event()  # type: ignore[attr-defined]
    await office.post(b"1", session=b"a")
    await office.post(b"2", session=b"b", to=SHOP)
    async with running(office.dispatcher):
        await until(lambda: len(office.dispatcher) == 2, "both are on their way")
        leases = {each.to: each.lease_until - office.clock() async for each in office.store.messages()}
        office.destinations[CRM].sender.hold.set()  # type: ignore[attr-defined]
    assert leases == {CRM: 50.0, SHOP: 22.0}


async def test_a_lease_is_as_short_as_is_asked_for() -> None:
    office = Office(crm=newest(Post()))
    hasty = Dispatcher(office.sessions, office.destinations, office.events.append, held_up=1.0, slack=3.0)
    assert hasty.lease == 9.0


async def test_what_is_added_is_sent_to_with_a_lease_of_its_own() -> None:
    office, shop = Office(crm=Destination(sender=Post(), timeout=5.0)), Post()
    await office.post(b"1", to=SHOP)
    assert await office.dispatcher.once() == 0
    office.dispatcher.add({SHOP: Destination(sender=shop, timeout=30.0)})
    assert office.dispatcher.lease == 50.0
    assert await office.dispatcher.once() == 1
    assert shop.bodies == [b"1"]
