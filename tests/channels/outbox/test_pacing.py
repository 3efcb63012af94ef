"""How fast messages leave: who is told to wait, whom they are for, and what waits meanwhile."""

from __future__ import annotations

import asyncio
import functools
import time
from typing import Any

import pytest

from kikao.channels.channel import Response
from kikao.channels.directly import Directly
from kikao.channels.inbound import Inbound
from kikao.channels.outbox import Delivered, Destination, Dispatcher, Pace, TryLater
from kikao.channels.outbox.sender import LONGEST
from kikao.conversation.secrets import Secret
from kikao.events import DestinationPaused, Event, MessageDead, MessageSent, NoticeLost
from kikao.sessions.stores.memory import MemoryStore
from tests.channels.outbox.office import CRM, SHOP, Office, Post, has_sent, running
from tests.talk import PlainGateway
from tests.waiting import PATIENCE, until


async def test_who_is_told_to_wait_sends_nothing_there_and_others_go_on() -> None:
    crm, shop = Post(lambda _: TryLater("HTTP 429", after=30.0)), Post()
    office = Office(crm=Destination(sender=crm, at_once=1, tries=1), shop=Destination(sender=shop))
    for session in (b"a", b"b", b"c"):
        await office.post(b"1", session=session)
        await office.post(b"1", session=session, to=SHOP)
    await office.dispatcher.once()
    assert (len(crm.letters), len(shop.letters)) == (1, 3)
    (paused,) = office.told(DestinationPaused)
    assert paused == DestinationPaused(to=CRM, seconds=30.0, reason="HTTP 429")
    other = office.another()
    await other.once()
    assert len(crm.letters) == 1, "the pause is everybody's"
    crm.answer = lambda _: Delivered()
    office.clock.advance(30.0)
    await office.dispatcher.once()
    assert len(crm.letters) == 4
    assert {letter.tries for letter in crm.letters} == {1}, "to wait is no try"


@pytest.mark.parametrize("after", [0.0, -3.0, 0.999])
async def test_who_says_to_wait_for_nothing_is_not_asked_without_a_pause(after: float) -> None:
    """As by `Retry-After: 0`, or a date that is past by our clock."""
    crm = Post(lambda it: TryLater("HTTP 503", after=after))
    office = Office(crm=Destination(sender=crm, tries=3))
    await office.post(b"1")
    async with asyncio.timeout(PATIENCE):
        assert await office.dispatcher.once() == 1
    assert office.told(DestinationPaused) == []
    for _ in range(2):
        office.clock.advance(LONGEST)
        await office.dispatcher.once()
    assert [letter.tries for letter in crm.letters] == [1, 2, 3]
    assert await office.states() == ["dead"]


async def test_a_pace_is_kept_and_no_message_is_lost_to_it() -> None:
    crm = Post()
    office = Office(crm=Destination(sender=crm, pace=Pace(2.0**-6, burst=2)))
    for number in range(6):
        await office.post(b"%d" % number, session=b"%d" % number)
    task = asyncio.create_task(office.dispatcher.once())
    await until(lambda: len(crm.letters) == 2, "two letters")
    await asyncio.sleep(0.05)
    assert len(crm.letters) == 2, "the clock of the outbox stood still"
    for number in range(3, 7):
        office.clock.advance(2.0**-6)
        await until(functools.partial(has_sent, crm, number), f"{number} letters")
    await task
    assert await office.states() == ["sent"] * 6


async def test_a_long_wait_for_the_pace_gives_messages_back_untried() -> None:
    crm = Post()
    office = Office(crm=Destination(sender=crm, pace=Pace(600.0)))
    for session in (b"a", b"b"):
        await office.post(b"1", session=session)
    await office.dispatcher.once()
    assert len(crm.letters) == 1
    office.clock.advance(600.0)
    await office.dispatcher.once()
    assert [letter.tries for letter in crm.letters] == [1, 1]


def to_chat(body: bytes) -> list[tuple[str, Pace]]:
    """Messages are `chat text`: one a second to a chat."""
    return [(body.split()[0].decode(), Pace(1.0))]


async def test_whom_a_message_is_for_gets_them_in_their_own_pace_and_holds_up_nobody() -> None:
    crm = Post()
    office = Office(crm=Destination(sender=crm, paces=to_chat, pace=Pace(0.001, burst=99)))
    await office.post(b"a 1", b"a 2", session=b"a")
    await office.post(b"a 3", session=b"in the same group")
    await office.post(b"b 1", session=b"b")
    await office.dispatcher.once()
    assert sorted(crm.bodies) == [b"a 1", b"b 1"]
    assert await office.states() == ["sent", "waiting", "waiting", "sent"]
    assert [message.tries async for message in office.store.messages(state="waiting")] == [0, 0]
    for sent in (3, 4):
        office.clock.advance(1.0)
        await office.dispatcher.once()
        assert len(crm.bodies) == sent
    assert office.events == office.told(MessageSent), "to wait for a pace is no try, and nothing to tell"


async def test_what_waited_for_its_destination_comes_no_closer_to_the_next() -> None:
    class Paused(MemoryStore):
        async def pace(self, name: str, **asked: Any) -> float:
            if name == CRM and delay:
                office.clock.advance(delay.pop())  # so long it waits, after whom it is for was asked about
            return await super().pace(name, **asked)

    crm, delay = Post(), [5.0]
    office = Office(crm=Destination(sender=crm, paces=to_chat))
    office.store.store = Paused()
    await office.post(b"a 1", session=b"a")
    await office.dispatcher.once()
    await office.post(b"a 2", session=b"in the same group")
    await office.another().once()
    assert crm.bodies == [b"a 1"]
    office.clock.advance(1.0)
    delay.append(5.0)
    await office.post(b"a 3", session=b"and a third")
    await office.dispatcher.once()
    assert len(crm.bodies) == 2, "both may have been let through before they waited: one goes back"
    office.clock.advance(1.0)
    await office.dispatcher.once()
    assert len(crm.bodies) == 3


async def test_what_does_not_wait_here_keeps_the_same_paces() -> None:
    crm, events = Post(), list[Event]()
    office = Office(crm=Destination(sender=crm, paces=to_chat, pace=Pace(1.0, burst=2)))
    directly = Directly(office.destinations, events.append, office.clock)
    directly.may_leave = office.another().may_leave

    class Told(PlainGateway):
        pushes = CRM

        def pushed(self, inbound: Inbound, page: Any, **how: Any) -> list[bytes]:
            return [page]

        def reply(self, inbound: Inbound, page: Any, *, ends: bool) -> Response:
            return Response(200, (), b"")

    inbound = Inbound("ussd", "plain", "+256772000001", "reply", Secret(""))
    await office.post(b"a 1")
    await office.dispatcher.once()
    for body in (b"a 2", b"b 1", b"c 1"):
        directly(Told(), inbound, body)
    await directly.settled()
    assert crm.bodies == [b"a 1", b"b 1"], "one for each chat, and two in all"
    assert [event.reason for event in events if isinstance(event, NoticeLost)] == ["too many"] * 2


async def test_who_waits_for_less_than_a_look_is_looked_at_when_it_is_due() -> None:
    crm = Post()
    office = Office(crm=Destination(sender=crm, paces=lambda _: [("a", Pace(0.02))]))
    office.clock.now = time.time()
    office.sessions.clock = time.time
    dispatcher = Dispatcher(office.sessions, office.destinations, office.events.append, poll=60.0)
    await office.post(b"1", b"2", b"3")
    async with running(dispatcher):
        await until(lambda: has_sent(crm, 3), "all are sent")


async def test_no_name_of_whom_a_message_is_for_is_stored() -> None:
    asked: list[str] = []

    class Watched(MemoryStore):
        async def pace(self, name: str, *, now: float, interval: float, burst: int) -> float:
            asked.append(name)
            return await super().pace(name, now=now, interval=interval, burst=burst)

    office = Office(crm=Destination(sender=Post(), paces=to_chat))
    office.sessions.store = Watched()
    office.store = office.sessions.store  # type: ignore[assignment]
    await office.post(b"+256772000001 hi")
    await office.dispatcher.once()
    assert asked[0].startswith(f"{CRM} ")
    assert "772" not in asked[0]
    assert asked[1:] == [CRM]


async def test_who_alone_is_told_to_wait_waits_in_every_lane_and_nobody_else() -> None:
    crm = Post(
        lambda letter: TryLater("131056", after=30.0, alone=True) if letter.body == b"a 1" else Delivered()
    )
    office = Office(crm=Destination(sender=crm, tries=1, paces=to_chat))
    await office.post(b"a 1", session=b"a")
    await office.dispatcher.once()
    await office.post(b"a 2", session=b"in the same group")
    await office.post(b"b 1", session=b"b")
    await office.dispatcher.once()
    assert crm.bodies == [b"a 1", b"b 1"]
    assert office.told(DestinationPaused) == []
    assert office.told(MessageDead) == [], "it is no try"
    crm.answer = lambda _: Delivered()
    office.clock.advance(31.0)
    await office.dispatcher.once()
    assert len(crm.bodies) == 3
    office.clock.advance(1.0)
    await office.dispatcher.once()
    assert await office.states() == ["sent"] * 3


async def test_who_alone_waits_needs_no_pace_of_their_own() -> None:
    crm = Post(
        lambda letter: TryLater("slow", after=30.0, alone=True) if letter.body == b"a 1" else Delivered()
    )
    office = Office(crm=Destination(sender=crm))
    await office.post(b"a 1", b"a 2", session=b"a")
    await office.dispatcher.once()
    await office.post(b"b 1", session=b"b")
    await office.dispatcher.once()
    assert crm.bodies == [b"a 1", b"b 1"]
    crm.answer = lambda _: Delivered()
    office.clock.advance(30.0)
    await office.dispatcher.once()
    assert crm.bodies[2:] == [b"a 1", b"a 2"]


async def test_what_may_not_leave_yet_holds_up_its_own_lane_alone() -> None:
    crm = Post(
        lambda letter: TryLater("not yet", after=30.0, held=True) if letter.body == b"a 1" else Delivered()
    )
    office = Office(crm=Destination(sender=crm, tries=1, paces=to_chat))
    await office.post(b"a 1", b"a 2", session=b"a")
    await office.dispatcher.once()
    await office.post(b"a 3", session=b"another lane to the same")
    office.clock.advance(1.0)
    await office.dispatcher.once()
    assert crm.bodies == [b"a 1", b"a 3"]
    assert office.told(DestinationPaused) == office.told(MessageDead) == []


async def test_what_nobody_can_read_is_dead_at_once_and_its_lane_goes_on() -> None:
    crm = Post()
    office = Office(crm=Destination(sender=crm, paces=to_chat))
    await office.post(b"", b"a 2")
    await office.dispatcher.once()
    assert crm.bodies == [b"a 2"]
    [dead] = office.told(MessageDead)
    assert isinstance(dead, MessageDead)
    assert dead.reason == "unreadable: IndexError"
