"""The bus: who hears what, in which order, and what becomes of subscribers that fail or are slow."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from msgspec import structs

from kikao.events import (
    EVENTS,
    Bus,
    ErrorUncaught,
    Event,
    EventsDropped,
    LiveEnded,
    NoSuchEvent,
    SessionEnded,
    SessionEvent,
    SessionOpened,
    StepDone,
    StepOutcome,
    StepRefused,
    SweepDone,
    TurnCommitted,
    TurnDuplicated,
    TurnEvent,
)
from kikao.events.bus import PER
from kikao.events.selecting import Selection, selected

TURN = TurnCommitted(what="asked")
OPENED = SessionOpened()


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


# --- who is meant ---


@pytest.mark.parametrize(
    ("selection", "kinds"),
    [
        (TurnCommitted, {TurnCommitted}),
        ("turn.committed", {TurnCommitted}),
        ("*", set(EVENTS)),
        (Event, set(EVENTS)),
        ("*.ended", {SessionEnded, LiveEnded}),
        (StepOutcome, selected(["step.done", "step.refused", "step.unknown", "step.voided"])),
        (["sweep.*", SessionOpened, "sweep.done"], {SweepDone, SessionOpened}),
        ("turn.*", selected(TurnEvent)),
    ],
)
def test_events_are_meant_by_type_name_and_pattern(selection: Selection, kinds: set[type[Event]]) -> None:
    assert selected(selection) == kinds


@pytest.mark.parametrize(
    ("selection", "said"),
    [
        ("turn.comitted", r"no event is called 'turn.comitted'. Did you mean turn.committed"),
        ("sesion.*", r"Did you mean session.\*"),
        ("zzz", "There are: turn.committed, turn.duplicated"),
        ("", "no event is called ''"),
        ("Turn.Committed", "Did you mean turn.committed"),
        ([], "no events are named"),
        (["turn.*", "nothing"], "no event is called 'nothing'"),
        (int, "'int' is no event"),
        ([3], "'3' is no event|3 is no event"),
    ],
)
def test_what_no_event_is_called_is_told_with_what_is_near(selection: Any, said: str) -> None:
    bus = Bus()
    with pytest.raises(NoSuchEvent, match=said):
        bus.on(selection, print)
    assert not any(bus.wants(kind) for kind in EVENTS)


# --- who hears ---


def test_each_hears_what_it_is_for_in_the_order_they_came() -> None:
    bus, heard = Bus(), list[tuple[str, Event]]()
    bus.on("turn.*", lambda event: heard.append(("first", event)))
    bus.on(SessionEvent, lambda event: heard.append(("second", event)))
    for event in (TURN, OPENED, SweepDone(count=0, seconds=0.0)):
        bus(event)
    assert heard == [("first", TURN), ("second", TURN), ("second", OPENED)]


def test_subscribers_get_all_events_or_say_themselves_which() -> None:
    class Turns(list[Event]):
        listens_to = "turn.*"

        def __call__(self, event: Event) -> None:
            self.append(event)

    turns, everything = Turns(), list[Event]()
    bus = Bus([turns, everything.append])
    bus(TURN)
    bus(OPENED)
    assert (turns, everything) == ([TURN], [TURN, OPENED])


def test_what_nobody_listens_to_is_not_wanted() -> None:
    bus = Bus()
    assert not bus.wants(TurnCommitted)
    off = bus.on("turn.committed", print)
    assert [kind for kind in EVENTS if bus.wants(kind)] == [TurnCommitted]
    off()
    off()
    assert not bus.wants(TurnCommitted)


def test_an_event_of_nobody_we_know_is_heard_by_nobody() -> None:
    class Odd(Event, frozen=True, kw_only=True, tag="odd.one"):
        pass

    heard: list[Event] = []
    Bus([heard.append])(Odd())
    assert heard == []


# --- what fails ---


def test_who_fails_harms_nobody_and_is_told_once_a_minute() -> None:
    clock, heard = Clock(), list[Event]()
    bus = Bus(clock=clock)

    def broken(event: Event) -> None:
        raise ValueError("2580")

    bus.on("*", broken)
    bus.on("*", heard.append)
    for _ in range(3):
        bus(TURN)
    (told,) = [event for event in heard if isinstance(event, ErrorUncaught)]
    assert heard.count(TURN) == 3
    assert (told.where, told.times) == ("subscriber", 1)
    assert told.error.startswith("ValueError at test_bus.py:")
    assert told.subscriber.endswith(".broken")
    clock.now += PER
    bus(TURN)
    assert [event.times for event in heard if isinstance(event, ErrorUncaught)] == [1, 3]


def test_those_that_fail_at_the_failure_of_others_come_to_an_end() -> None:
    def broken(event: Event, name: str) -> None:
        raise ValueError(name)

    heard: list[Event] = []
    bus = Bus([functools.partial(broken, name=str(n)) for n in range(5)])
    bus.on("*", heard.append)
    bus(TURN)
    assert len([event for event in heard if isinstance(event, ErrorUncaught)]) == 5
    assert TURN in heard


# --- those that take their time ---


async def test_an_asynchronous_one_gets_its_events_in_order_and_holds_up_nobody() -> None:
    heard: list[Event] = []
    gate = asyncio.Event()

    async def slow(event: Event) -> None:
        await gate.wait()
        await asyncio.sleep(0)
        heard.append(event)

    bus = Bus([slow])
    events = [TurnCommitted(what="asked", version=n) for n in range(20)]
    for event in events:
        bus(event)
    await asyncio.sleep(0)
    assert heard == []
    assert bus.waiting == 19
    gate.set()
    await bus.drained()
    assert heard == events
    assert bus.waiting == 0


class Hearer:
    """An object that is called with events."""

    def __init__(self, heard: list[Event]) -> None:
        self.heard = heard

    async def __call__(self, event: Event) -> None:
        self.heard.append(event)

    async def method(self, event: Event) -> None:
        self.heard.append(event)


async def with_more(event: Event, heard: list[Event]) -> None:
    heard.append(event)


@pytest.mark.parametrize(
    "made",
    [
        Hearer,
        lambda heard: Hearer(heard).method,
        lambda heard: functools.partial(with_more, heard=heard),
    ],
)
async def test_objects_methods_and_partials_may_be_asynchronous(
    made: Callable[[list[Event]], Callable[[Event], Awaitable[None]]],
) -> None:
    heard: list[Event] = []
    bus = Bus([made(heard)])
    bus(TURN)
    assert heard == []
    await bus.drained()
    assert heard == [TURN]


async def test_a_slow_one_loses_events_and_that_is_told() -> None:
    clock, gate = Clock(), asyncio.Event()
    taken: list[Event] = []
    told: list[Event] = []

    async def slow(event: Event) -> None:
        taken.append(event)
        await gate.wait()

    bus = Bus(bound=3, clock=clock)
    bus.on("*", slow)
    bus.on("events.*", told.append)
    for _ in range(10):
        bus(TURN)
    assert [event.count for event in told if isinstance(event, EventsDropped)] == [1]
    clock.now += PER / 2
    bus(TURN)
    clock.now += PER / 2
    bus(TURN)
    assert [event.count for event in told if isinstance(event, EventsDropped)] == [1, 8]
    gate.set()
    await bus.drained()
    assert taken == [TURN] * 3


async def test_what_an_asynchronous_one_raises_is_told_and_it_goes_on() -> None:
    heard: list[Event] = []
    told: list[Event] = []

    async def broken(event: Event) -> None:
        heard.append(event)
        if len(heard) == 1:
            raise ValueError("2580")
        if len(heard) == 2:
            raise asyncio.CancelledError  # of a pool that was closed: nobody cancelled this one

    clock = Clock()
    bus = Bus(clock=clock)
    bus.on("*", broken)
    bus.on("error.*", told.append)
    for _ in range(3):
        bus(TURN)
        await bus.drained()
        clock.now += PER
    assert heard == [TURN] * 3
    assert [event.error.split()[0] for event in told if isinstance(event, ErrorUncaught)] == [
        "ValueError",
        "CancelledError",
    ]


async def test_at_the_end_what_waits_is_dealt_with_within_its_time() -> None:
    heard: list[Event] = []

    async def quick(event: Event) -> None:
        await asyncio.sleep(0)
        heard.append(event)

    bus = Bus([quick])
    for _ in range(5):
        bus(TURN)
    await bus.close()
    assert heard == [TURN] * 5


async def test_at_the_end_nobody_is_waited_for_for_ever() -> None:
    told: list[Event] = []

    async def stuck(event: Event) -> None:
        await asyncio.Event().wait()

    bus = Bus()
    bus.on("turn.*", stuck)
    bus.on("events.dropped", told.append)
    for _ in range(4):
        bus(TURN)
    await asyncio.sleep(0)
    await bus.close(0.01)
    bus(TURN)
    bus(TurnDuplicated())
    assert [event.count for event in told if isinstance(event, EventsDropped)] == [4]
    assert not [task for task in asyncio.all_tasks() if "Queued" in repr(task)]


async def test_a_thread_may_publish() -> None:
    heard: list[tuple[Event, int]] = []

    async def slow(event: Event) -> None:
        heard.append((event, threading.get_ident()))

    bus = Bus([slow])
    bus(TURN)
    await bus.drained()
    thread = threading.Thread(target=bus, args=(OPENED,))
    thread.start()
    await asyncio.to_thread(thread.join)
    await asyncio.sleep(0)
    await bus.drained()
    assert heard == [(TURN, threading.get_ident()), (OPENED, threading.get_ident())]


def test_without_an_event_loop_an_asynchronous_one_gets_nothing_and_that_is_told() -> None:
    async def slow(event: Event) -> None:
        raise AssertionError("nothing can run this")

    told: list[Event] = []
    bus = Bus([slow])
    bus.on("events.dropped", told.append)
    bus(TURN)
    assert [event.count for event in told if isinstance(event, EventsDropped)] == [1]


async def test_it_does_not_run_in_the_context_of_whoever_published() -> None:
    whose: contextvars.ContextVar[str] = contextvars.ContextVar("whose", default="nobody's")
    heard: list[str] = []

    async def slow(event: Event) -> None:
        heard.append(whose.get())

    bus = Bus([slow])
    whose.set("a turn's")
    bus(StepDone(kind="step", source="turn"))
    bus(StepRefused(kind="step", source="turn", code="locked"))
    await bus.drained()
    assert heard == ["nobody's"] * 2


async def test_a_thread_with_an_event_loop_of_its_own_may_be_the_first_to_publish() -> None:
    heard: list[int] = []

    async def slow(event: Event) -> None:
        heard.append(threading.get_ident())

    bus = Bus([slow])

    async def elsewhere() -> None:
        bus(TURN)

    await asyncio.to_thread(bus, TURN)
    await asyncio.to_thread(asyncio.run, elsewhere())
    await asyncio.sleep(0)
    await bus.drained()
    assert heard == [threading.get_ident()] * 2


async def test_who_is_taken_back_still_gets_what_waits_and_leaves_nothing_behind() -> None:
    heard: list[Event] = []

    async def slow(event: Event) -> None:
        await asyncio.sleep(0)
        heard.append(event)

    async def stuck(event: Event) -> None:
        await asyncio.Event().wait()

    bus = Bus()
    for subscriber in (slow, stuck):
        off = bus.on("*", subscriber)
        bus(TURN)
        bus(OPENED)
        off()
        off()
        bus(TURN)
    assert bus.waiting == 4
    await bus.close(0.01)
    assert heard == [TURN, OPENED]
    assert not [task for task in asyncio.all_tasks() if "Queued" in repr(task)]


@pytest.mark.parametrize("error", [asyncio.CancelledError(), RecursionError()])
def test_nothing_that_a_plain_one_raises_reaches_whoever_publishes(error: BaseException) -> None:
    def broken(event: Event) -> None:
        raise error

    heard: list[Event] = []
    bus = Bus([broken])
    bus.on("*", heard.append)
    bus(TURN)
    assert [type(event) for event in heard] == [ErrorUncaught, TurnCommitted]


def test_who_takes_itself_back_and_fails_is_told_of() -> None:
    heard: list[Event] = []
    bus = Bus()

    def once(event: Event) -> None:
        off()
        raise ValueError

    off = bus.on("turn.*", once)
    bus.on("error.*", heard.append)
    bus(TURN)
    bus(TURN)
    assert len(heard) == 1


async def test_a_plain_one_that_gives_something_to_await_is_told_what_to_do() -> None:
    async def tell(event: Event) -> None:
        raise AssertionError("nobody awaits this")

    heard: list[Event] = []
    bus = Bus([lambda event: tell(structs.replace(event))])
    bus.on("error.*", heard.append)
    bus(TURN)
    ((told,), ready) = heard, asyncio.get_running_loop().create_future()
    assert isinstance(told, ErrorUncaught)
    assert told.error.endswith("subscribe an `async def` instead")
    off = bus.on("turn.*", lambda event: ready)
    bus(TURN)
    off()
    assert len(heard) == 2
