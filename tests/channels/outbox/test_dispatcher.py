"""The dispatcher: what leaves when, what comes back, and what is given up."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from kikao.channels.channel import Response
from kikao.channels.directly import Directly
from kikao.channels.inbound import Inbound
from kikao.channels.outbox import (
    Delivered,
    Destination,
    Dispatcher,
    Letter,
    Outcome,
    Pace,
    Rejected,
    TryLater,
)
from kikao.channels.outbox.sender import FIRST, LONGEST
from kikao.conversation.journal import Posted
from kikao.conversation.secrets import Secret
from kikao.events import (
    DestinationPaused,
    Event,
    MessageDead,
    MessageReported,
    MessageRetried,
    MessageSent,
    NoticeLost,
)
from kikao.sessions.keeper import Sessions
from kikao.sessions.outgoing import Outgoing, Status, shard
from kikao.sessions.posting import GOOD_FOR, outgoing
from kikao.sessions.sealing import KeyRing
from kikao.sessions.stores.memory import MemoryStore
from kikao.testing import Clock
from kikao.testing.mortal import Mortal
from tests.talk import PlainGateway
from tests.waiting import until

CRM, SHOP = "webhook/crm", "webhook/shop"


class Post:
    """A sender that says what it is told to say, and keeps what it was given."""

    def __init__(self, answer: Callable[[Letter], Outcome] = lambda _: Delivered()) -> None:
        self.letters: list[Letter] = []
        self.answer = answer
        self.most = self.now = 0
        self.hold: asyncio.Event | None = None

    async def send(self, letter: Letter) -> Outcome:
        self.letters.append(letter)
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await (self.hold.wait() if self.hold else asyncio.sleep(0))
            return self.answer(letter)
        finally:
            self.now -= 1

    @property
    def bodies(self) -> list[bytes]:
        return [letter.body for letter in self.letters]


class Office:
    """A store, and a dispatcher on it."""

    def __init__(self, **destinations: Destination) -> None:
        self.clock = Clock()
        self.store = Mortal(MemoryStore())
        self.sessions = Sessions(self.store, KeyRing({"k": bytes(32)}), clock=self.clock)
        self.events: list[Event] = []
        self.destinations = {f"webhook/{name}": destination for name, destination in destinations.items()}
        self.dispatcher = self.another()
        self._count = 0

    def another(self, **options: int) -> Dispatcher:
        return Dispatcher(
            self.sessions,
            self.destinations,
            self.events.append,
            poll=0.01,
            chance=lambda: 1.0,
            at_once=options.get("at_once", 64),
        )

    async def post(self, *bodies: bytes, session: bytes = b"session", to: str = CRM) -> list[Outgoing]:
        posts = []
        for body in bodies:
            self._count += 1
            posts.append(Posted(self._count.to_bytes(16, "big"), to, body))
        messages = outgoing(self.sessions.ring, session, posts, self.clock())
        await self.store.post(messages)
        return messages

    async def states(self) -> list[str]:
        """Of all messages, as they were posted."""
        found = [message async for message in self.store.messages()]
        return [message.state for message in sorted(found, key=lambda each: each.id)]

    def told(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]


@contextlib.asynccontextmanager
async def running(dispatcher: Dispatcher) -> AsyncIterator[None]:
    task = asyncio.create_task(dispatcher.run())
    try:
        yield
    finally:
        await dispatcher.stop(1.0)
        await task


def has_sent(post: Post, count: int) -> bool:
    return len(post.letters) == count


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
    async with asyncio.timeout(5):
        assert await office.dispatcher.once() == 1
    assert office.told(DestinationPaused) == []
    for _ in range(2):
        office.clock.advance(LONGEST)
        await office.dispatcher.once()
    assert [letter.tries for letter in crm.letters] == [1, 2, 3]
    assert await office.states() == ["dead"]


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


# --- lanes of which only the newest message is of use ---


def newest(post: Post) -> Destination:
    return Destination(
        sender=post,
        newest=True,
        timeout=5.0,
        first=0.25,
        longest=1.0,
        tries=99,
        sent_kept=0.0,
        dead_kept=60.0,
    )


async def test_one_that_failed_is_dead_as_soon_as_another_stands_behind_it() -> None:
    outcomes: list[Outcome] = [TryLater("HTTP 503"), Delivered()]
    post = Post(lambda _: outcomes.pop(0))
    office = Office(crm=newest(post))
    await office.post(b"one")
    assert await office.dispatcher.once() == 1
    await office.post(b"two")
    assert await office.dispatcher.once() == 0, "within a second at most"
    office.clock.advance(1.0)
    assert await office.dispatcher.once() == 2
    assert post.bodies == [b"one", b"two"]
    assert await office.states() == ["dead", "sent"]
    assert [event.reason for event in office.told(MessageDead)] == ["superseded"]  # type: ignore[attr-defined]


async def test_one_that_failed_does_not_hold_up_what_is_stored_behind_it_here() -> None:
    outcomes: list[Outcome] = [TryLater("HTTP 503"), Delivered()]
    post = Post(lambda _: outcomes.pop(0))
    office = Office(crm=newest(post))
    (message,) = await office.post(b"one")
    await office.dispatcher.once()
    office.dispatcher.stored(message.session)
    assert await office.dispatcher.once() == 0, "nothing newer is there"
    office.clock.advance(0.3)
    outcomes.insert(0, TryLater("HTTP 503"))
    await office.dispatcher.once()
    await office.post(b"two")
    office.dispatcher.stored(message.session)
    assert await office.dispatcher.once() == 1
    assert (post.bodies, await office.states()) == ([b"one", b"one", b"two"], ["dead", "sent"])
    assert [event.reason for event in office.told(MessageDead)] == ["superseded"]  # type: ignore[attr-defined]


async def test_one_that_failed_and_was_taken_by_another_process_is_left_to_it() -> None:
    outcomes: list[Outcome] = [TryLater("HTTP 503"), Delivered(), Delivered()]
    post = Post(lambda _: outcomes.pop(0))
    office = Office(crm=newest(post))
    (message,) = await office.post(b"one")
    await office.dispatcher.once()
    office.clock.advance(0.3)
    await office.another().once()
    await office.post(b"two")
    office.dispatcher.stored(message.session)
    await office.dispatcher.once()
    assert (post.bodies, await office.states()) == ([b"one", b"one", b"two"], ["sent", "sent"])


async def test_one_that_fails_while_another_stands_behind_it_is_not_tried_again() -> None:
    outcomes: list[Outcome] = [TryLater("HTTP 503"), Delivered()]
    post = Post(lambda _: outcomes.pop(0))
    office = Office(crm=newest(post))
    await office.post(b"one", b"two")
    assert await office.dispatcher.once() == 2
    assert (post.bodies, await office.states()) == ([b"one", b"two"], ["dead", "sent"])


async def test_one_that_waited_gives_way_and_one_of_another_lane_does_not() -> None:
    post = Post()
    office = Office(crm=newest(post), shop=newest(post))
    await office.post(b"one")
    await office.post(b"of another place", to=SHOP)
    await office.post(b"of another session", session=b"another")
    office.clock.advance(1.0)
    await office.post(b"two")
    await office.dispatcher.once()
    assert sorted(post.bodies) == [b"of another place", b"of another session", b"two"]


async def test_one_whose_next_try_would_be_too_late_is_dead_at_once() -> None:
    office = Office(crm=newest(Post(lambda _: TryLater("HTTP 503"))))
    await office.post(b"one")
    office.clock.advance(GOOD_FOR - 0.1)
    await office.dispatcher.once()
    assert [event.reason for event in office.told(MessageDead)] == ["expired; the last: HTTP 503"]  # type: ignore[attr-defined]


async def test_a_destination_says_for_how_long_messages_are_kept() -> None:
    outcomes: list[Outcome] = [Delivered(), Rejected("HTTP 400")]
    office = Office(crm=newest(Post(lambda _: outcomes.pop(0))))
    await office.post(b"one", b"two")
    await office.dispatcher.once()
    now = office.clock()
    kept = {message.state: message.expires_at async for message in office.store.messages()}
    assert kept == {"sent": now, "dead": now + 60.0}


async def test_who_is_woken_for_a_shard_looks_there_also_when_it_is_another_ones() -> None:
    post = Post()
    office = Office(crm=newest(post))
    idle = Dispatcher(office.sessions, office.destinations, office.events.append, shards=frozenset)
    (message, *_) = await office.post(b"one", b"two")
    assert await idle.once() == 0
    idle.wake(shard(message.session))
    assert await idle.once() == 2, "and what follows in the lane"
    assert post.bodies == [b"one", b"two"]
    await office.post(b"three")
    assert await idle.once() == 0


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
