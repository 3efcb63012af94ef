"""Middleware: what it sees, what it may do, and that nothing it does takes a turn apart."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from kikao import App, Chat, Flows, Misuse, Outcome, Proceed, TurnContext, t
from kikao.cli.serving import announce
from kikao.config import load
from kikao.conversation.screens import Screen
from kikao.events import MiddlewareFailed, SessionEvent
from kikao.i18n.messages import Text
from kikao.members.directory import Directory
from kikao.sessions.store import SessionStore
from kikao.sessions.stores.memory import MemoryStore
from kikao.sessions.stores.sqlite import SQLiteStore
from kikao.testing import DROPPED, Stage
from kikao.testing.timers import let_pass
from tests.talk import whats
from tests.testing.shop import AWAY, HOW_MANY, PIN, MemoryTill, Till, flows_of

NUMBER = "+256772000001"
SOLD = "3 cups sold. Ref S1"

Around = Callable[[TurnContext, Proceed], Awaitable[Outcome | Screen | Text | None]]


def a_stage(
    *middleware: Any, till: MemoryTill | None = None, store: SessionStore | None = None, **options: Any
) -> Stage:
    app = App(
        flows_of(),
        entry="buy",
        members=options.pop("members", False),
        services={Till: till or MemoryTill()},
        middleware=middleware,
        locales={"en": "English", "sw": "Kiswahili"},
    )
    return Stage(app, store=store, **options)


def failures(stage: Stage) -> list[tuple[str, str, str]]:
    return [(e.name, e.when, e.error) for e in stage.events if isinstance(e, MiddlewareFailed)]


def turns(stage: Stage) -> list[str]:
    return whats(stage.events)


class Seen:
    """Middleware that looks on."""

    def __init__(self) -> None:
        self.before: list[TurnContext] = []
        self.after: list[Outcome] = []

    async def __call__(self, turn: TurnContext, proceed: Proceed) -> Outcome:
        self.before.append(turn)
        outcome = await proceed()
        self.after.append(outcome)
        return outcome


async def nothing(turn: TurnContext, proceed: Proceed) -> None:
    await proceed()


# --- order ---


async def test_the_first_is_the_outermost() -> None:
    story: list[str] = []

    def named(name: str) -> Around:
        async def around(turn: TurnContext, proceed: Proceed) -> Outcome:
            story.append(f"{name} before")
            outcome = await proceed()
            story.append(f"{name} after, {outcome.what}")
            return outcome

        return around

    async with a_stage(named("outer"), named("inner")) as stage:
        assert await stage.phone().dial() == HOW_MANY
    assert story == ["outer before", "inner before", "inner after, asked", "outer after, asked"]


def test_the_order_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    async def extra(flag: int, turn: TurnContext, proceed: Proceed) -> None:
        await proceed()

    app = App(flows_of(), entry="buy", middleware=[Seen(), nothing, partial(extra, 1)])
    assert app.order() == ("Seen", "nothing", "extra")
    settings = load({}, tmp_path)
    announce((settings,), app.order(), "http://localhost:8000", welcome=False)
    assert "  middleware: Seen → nothing → extra → the turn\n" in capsys.readouterr().out
    announce((settings,), (), "http://localhost:8000", welcome=False)
    assert "middleware" not in capsys.readouterr().out


class NotAsync:
    def __call__(self, turn: TurnContext, proceed: Proceed) -> None: ...


@pytest.mark.parametrize("wrong", [lambda turn, proceed: proceed(), NotAsync(), Seen, "traces", None, print])
def test_what_cannot_be_middleware_is_refused_at_once(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"middleware 2 is .*: it must be `async def name"):
        App(flows_of(), entry="buy", middleware=[nothing, wrong])


# --- what it sees ---


async def test_it_sees_where_a_turn_comes_from_and_what_became_of_it() -> None:
    seen = Seen()
    async with a_stage(seen) as stage:
        phone = stage.phone(NUMBER)
        await phone.dial()
        await phone.reply("3")
    first, second = seen.before
    assert (first.channel, first.gateway, first.happening) == ("ussd", "africastalking", "new")
    assert second.happening == "reply"
    assert first.member == "+25677****01"
    (session,) = {e.session for e in stage.events if isinstance(e, SessionEvent)}
    assert first.session == second.session == session
    assert 3 < first.remaining() <= 4
    assert [(o.what, o.flow, o.at, o.committed, o.error) for o in seen.after] == [
        ("asked", "buy", "cups#1", True, ""),
        ("asked", "buy", "pin#1", True, ""),
    ]
    assert all(outcome.ms > 0 for outcome in seen.after)


async def test_it_never_sees_what_was_typed_nor_who_it_was() -> None:
    seen = Seen()
    async with a_stage(seen) as stage:
        phone = stage.phone(NUMBER)
        await phone.dial()
        assert (await phone.reply("3", PIN)) == SOLD
        assert not await stage.holds(PIN)
    told = [repr(outcome) for outcome in seen.after]
    told += [repr({name: getattr(turn, name) for name in turn.__slots__}) for turn in seen.before]
    assert not [text for text in told if PIN in text or NUMBER in text or NUMBER[1:] in text]


async def test_a_redelivery_passes_too_and_is_told_apart() -> None:
    seen = Seen()
    async with a_stage(seen) as stage:
        phone = stage.phone()
        await phone.dial()
        first = phone.raw
        await phone.again()
        assert phone.raw == first
    assert [(outcome.what, outcome.committed) for outcome in seen.after] == [
        ("asked", True),
        ("duplicate", False),
    ]


async def test_context_variables_reach_the_flow_and_go_with_the_turn() -> None:
    tenant: ContextVar[str] = ContextVar("tenant", default="none")
    found: list[str] = []
    flows = Flows()

    @flows.flow("hello")
    async def hello(chat: Chat) -> None:
        found.append(tenant.get())
        await chat.end(t("Hello."))

    async def tenancy(turn: TurnContext, proceed: Proceed) -> Outcome:
        tenant.set(turn.gateway)
        return await proceed()

    async with Stage(App(flows, entry="hello", members=False, middleware=[tenancy, nothing])) as stage:
        await stage.phone().dial()
        await stage.phone(gateway="nalo", code="*920#").dial()
    assert found == ["africastalking", "nalo"]
    assert tenant.get() == "none"


async def test_a_limited_inbound_is_no_turn() -> None:
    from kikao import Limits, Rate, SessionPolicy

    seen = Seen()
    app = App(
        flows_of(),
        entry="buy",
        members=False,
        services={Till: MemoryTill()},
        middleware=[seen],
        policy=SessionPolicy(limits=Limits(address=Rate(1, per=60))),
    )
    async with Stage(app) as stage:
        phone = stage.phone()
        await phone.dial()
        await phone.dial()
    assert [(outcome.what, outcome.committed) for outcome in seen.after] == [
        ("asked", True),
        ("limited", False),
    ]


# --- answering in place of the turn ---


class Maintenance:
    """Closed when told."""

    def __init__(self, answer: Any = None) -> None:
        self.closed = False
        self.answer = t("Back at {hour}.", hour=6) if answer is None else answer

    async def __call__(self, turn: TurnContext, proceed: Proceed) -> Any:
        return self.answer if self.closed else await proceed()


@pytest.mark.parametrize("answer", ["Closed.", t("Closed."), Screen((t("Closed."),))])
async def test_it_may_answer_and_then_nothing_is_consumed(answer: Text | Screen) -> None:
    maintenance, seen = Maintenance(answer), Seen()
    async with a_stage(seen, maintenance) as stage:
        phone = stage.phone()
        assert await phone.dial() == HOW_MANY
        maintenance.closed = True
        before = await stage.stored()
        assert await phone.reply("3") == "Closed."
        assert phone.ended  # there is no question that it could go on with
        assert [s.seen_at for s in await stage.stored()] == [s.seen_at for s in before]
        maintenance.closed = False
        assert (await phone.again()).startswith("Enter PIN")  # the same message, as if for the first time
        assert failures(stage) == []
        assert turns(stage) == ["asked", "answered", "asked"]
    assert [(o.what, o.by, o.committed) for o in seen.after] == [
        ("asked", "", True),
        ("answered", "Maintenance", False),
        ("asked", "", True),
    ]


async def test_an_answer_is_in_the_language_that_the_member_chose() -> None:
    maintenance = Maintenance(t("Service unavailable. Try again later."))
    locales: list[str] = []

    async def asks(turn: TurnContext, proceed: Proceed) -> Outcome:
        locales.append(await turn.locale())
        return await proceed()

    async with a_stage(asks, maintenance, members=True) as stage:
        directory = stage.server.members
        assert isinstance(directory, Directory)
        known = await directory.meet("msisdn", NUMBER)
        await directory.remember(known.id, locale="sw")
        maintenance.closed = True
        assert await stage.phone(NUMBER).dial() == "Huduma haipatikani kwa sasa. Jaribu tena baadaye."
        assert await stage.phone("+256772000009").dial() == AWAY
    assert locales == ["sw", ""]


async def test_what_is_outside_may_say_it_otherwise() -> None:
    async def kinder(turn: TurnContext, proceed: Proceed) -> Outcome | Text:
        outcome = await proceed()
        return outcome if outcome.committed else "We are sorry."

    async def broken(turn: TurnContext, proceed: Proceed) -> Outcome:
        raise LookupError("no switch")

    async with a_stage(kinder, broken) as stage:
        assert await stage.phone().dial() == "We are sorry."
        assert [name for name, _, _ in failures(stage)] == ["broken"]
        assert await stage.stored() == []


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("word " * 80, "takes 3 pages: it must fit into one"),
        (Screen((t("{x}", x=1.5),)), "of type float"),  # type: ignore[arg-type]
        (7, "returned a int"),
    ],
    ids=["long", "unfit", "number"],
)
async def test_an_answer_that_cannot_be_shown_is_unavailable(answer: Any, says: str) -> None:
    maintenance = Maintenance(answer)
    maintenance.closed = True
    async with a_stage(maintenance) as stage:
        assert await stage.phone().dial() == AWAY
        ((name, when, error),) = failures(stage)
        assert (name, when) == ("Maintenance", "before")
        assert says in error
        assert turns(stage) == ["unavailable"]


# --- errors ---


class Breaks:
    """Raises, before or after the turn, when told."""

    def __init__(self, when: str, error: type[BaseException] = LookupError) -> None:
        self.when = when
        self.error = error

    async def __call__(self, turn: TurnContext, proceed: Proceed) -> Outcome:
        if self.when == "before":
            raise self.error(f"the text, {PIN}")
        outcome = await proceed()
        if self.when == "after":
            raise self.error(f"the text, {PIN}")
        return outcome


@pytest.mark.parametrize("error", [LookupError, asyncio.CancelledError, TimeoutError])
async def test_an_error_before_the_turn_consumes_nothing(error: type[BaseException]) -> None:
    breaks, till = Breaks(""), MemoryTill()
    async with a_stage(Seen(), breaks, nothing, till=till) as stage:
        phone = stage.phone()
        await phone.dial()
        await phone.reply("3")
        breaks.when, breaks.error = "before", error
        assert await phone.reply(PIN) == AWAY
        ((name, when, text),) = failures(stage)
        assert (name, when) == ("Breaks", "before")
        assert text.startswith(f"{error.__name__} at test_middleware.py:")
        assert not await stage.holds(PIN)
        assert till.sales == []
        breaks.when = ""
        assert await phone.again() == SOLD
    assert turns(stage)[-2:] == ["unavailable", "ended"]


@pytest.mark.parametrize("error", [LookupError, asyncio.CancelledError, TimeoutError])
async def test_after_an_error_behind_the_turn_the_reply_stands(error: type[BaseException]) -> None:
    breaks, seen, till = Breaks("", error), Seen(), MemoryTill()
    async with a_stage(seen, breaks, till=till) as stage:
        phone = stage.phone()
        await phone.dial()
        await phone.reply("3")
        breaks.when = "after"
        assert await phone.reply(PIN) == SOLD
        raw = phone.raw
        assert [(name, when) for name, when, _ in failures(stage)] == [("Breaks", "after")]
        await phone.again()
        assert phone.raw == raw
        assert len(till.sales) == 1
        assert not await stage.holds(PIN)
    assert [outcome.what for outcome in seen.after] == ["asked", "asked", "ended", "duplicate"]


async def test_a_screen_after_the_turn_is_an_error_and_the_reply_stands() -> None:
    async def instead(turn: TurnContext, proceed: Proceed) -> Text:
        await proceed()
        return "Something else."

    async with a_stage(instead) as stage:
        assert await stage.phone().dial() == HOW_MANY
        ((_, when, error),) = failures(stage)
        assert when == "after"
        assert "answered after proceed(): the reply stands as it was committed" in error


async def test_it_must_go_on_or_answer() -> None:
    async def forgets(turn: TurnContext, proceed: Proceed) -> None:
        return None

    async with a_stage(forgets) as stage:
        assert await stage.phone().dial() == AWAY
        ((_, _, error),) = failures(stage)
        assert "forgets neither awaited proceed() nor returned what to tell the member" in error


@pytest.mark.parametrize("caught", [True, False])
async def test_a_turn_is_taken_once(caught: bool) -> None:
    problems: list[BaseException] = []

    async def twice(turn: TurnContext, proceed: Proceed) -> Outcome:
        outcome = await proceed()
        try:
            await proceed()
        except Misuse as problem:
            problems.append(problem)
            if not caught:
                raise
        return outcome

    async with a_stage(twice, nothing) as stage:
        assert await stage.phone().dial() == HOW_MANY
        assert turns(stage) == ["asked"]
        assert [when for _, when, _ in failures(stage)] == ([] if caught else ["after"])
    assert "twice called proceed() twice" in str(problems[0])


# --- time ---


async def hangs() -> None:
    """Wait for ever, while the budget passes at once."""
    asyncio.get_running_loop().call_soon(let_pass, 10.0)
    await asyncio.get_running_loop().create_future()


async def test_one_that_takes_too_long_before_the_turn() -> None:
    slow = True

    async def waits(turn: TurnContext, proceed: Proceed) -> Outcome:
        if slow:
            await hangs()
        return await proceed()

    async with a_stage(nothing, waits, nothing, budget=1.0) as stage:
        phone = stage.phone()
        assert await phone.dial() == AWAY
        assert failures(stage) == [("waits", "before", "TimeoutError")]
        assert turns(stage) == ["unavailable"]
        slow = False
        assert await phone.again() == HOW_MANY


async def test_one_that_takes_too_long_after_the_turn() -> None:
    async def waits(turn: TurnContext, proceed: Proceed) -> Outcome:
        await proceed()
        await hangs()
        raise AssertionError

    async with a_stage(nothing, waits, nothing, budget=1.0) as stage:
        phone = stage.phone()
        assert await phone.dial() == HOW_MANY
        assert failures(stage) == [("waits", "after", "TimeoutError")]
        assert turns(stage) == ["asked"]


async def test_one_that_will_not_stop_is_left_behind() -> None:
    stopped, released, problems = asyncio.Event(), asyncio.Event(), list[BaseException]()

    async def stubborn(turn: TurnContext, proceed: Proceed) -> Outcome | None:
        try:
            await hangs()
        except asyncio.CancelledError:
            stopped.set()
        await released.wait()
        try:
            return await proceed()
        except Misuse as problem:
            problems.append(problem)
            raise

    async with a_stage(stubborn, budget=1.0) as stage:
        assert await stage.phone().dial() == AWAY
        await stopped.wait()
        released.set()
        for _ in range(5):
            await asyncio.sleep(0)
        assert "stubborn called proceed() after its turn was over" in str(problems[0])
        assert await stage.stored() == []
        assert turns(stage) == ["unavailable"]


async def test_its_own_time_out_does_not_cut_the_turn() -> None:
    async def hasty(turn: TurnContext, proceed: Proceed) -> Outcome:
        async with asyncio.timeout(0):
            return await proceed()

    seen, till = Seen(), MemoryTill()
    async with a_stage(seen, hasty, nothing, till=till) as stage:
        phone = stage.phone()
        await phone.dial()
        await phone.reply("3")
        with stage.service(Till).slow("pay"):  # the closing screen at the deadline, as without middleware
            assert (await phone.reply(PIN)).startswith("Request received.")
        await stage.settle()
        assert len(till.sales) == 1
        assert {(name, when) for name, when, _ in failures(stage)} == {("hasty", "after")}
    assert [outcome.what for outcome in seen.after] == ["asked", "asked", "overdue"]


async def test_one_that_does_not_wait_for_the_turn() -> None:
    left: list[asyncio.Task[Outcome]] = []

    async def leaves(turn: TurnContext, proceed: Proceed) -> None:
        left.append(asyncio.ensure_future(proceed()))
        await asyncio.sleep(0)

    seen = Seen()
    async with a_stage(seen, leaves) as stage:
        assert await stage.phone().dial() == HOW_MANY
        assert (await left[0]).what == "asked"
        assert failures(stage) == []
    assert [outcome.what for outcome in seen.after] == ["asked"]


async def test_nobody_waits_for_a_request_that_is_cancelled() -> None:
    ends: list[str] = []
    waiting = asyncio.Event()

    async def waits(turn: TurnContext, proceed: Proceed) -> Outcome:
        waiting.set()
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            ends.append("cancelled")
            raise
        raise AssertionError

    async with a_stage(waits) as stage:
        asked = asyncio.create_task(stage.phone().dial())
        await waiting.wait()
        await stage.crash()
        assert await asked == DROPPED
        for _ in range(5):
            await asyncio.sleep(0)
        assert ends == ["cancelled"]
        assert failures(stage) == []


# --- with crashes, conflicts and stores that do not answer ---


class Stubborn:
    """Keeps all errors to itself, cuts the turn short and then breaks: as bad as it gets."""

    async def __call__(self, turn: TurnContext, proceed: Proceed) -> Outcome:
        try:
            async with asyncio.timeout(0):
                await proceed()
        except BaseException:
            raise LookupError from None
        raise LookupError


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> SessionStore:
    return MemoryStore() if request.param == "memory" else SQLiteStore(tmp_path / "sessions.db")


@pytest.mark.parametrize(
    ("call", "before"),
    [
        ("claim", True),
        ("claim", False),
        ("intent", True),
        ("intent", False),
        ("commit", True),
        ("commit", False),
    ],
)
async def test_a_process_may_die_inside(store: SessionStore, call: str, before: bool) -> None:
    async def story(stage: Stage, till: MemoryTill) -> tuple[str, int]:
        phone = stage.phone()
        await phone.dial()
        await phone.reply("3")
        stage.crash_at(call, before=before)
        assert await phone.reply(PIN) == DROPPED
        await stage.restart()
        told = await phone.again()
        first = phone.raw
        assert await phone.again() == told
        assert phone.raw == first
        assert not await stage.holds(PIN)
        return told, len(till.sales)

    till, plain = MemoryTill(), MemoryTill()
    async with a_stage(till=plain) as stage:
        without = await story(stage, plain)
    async with a_stage(Seen(), Stubborn(), till=till, store=store) as stage:
        assert await story(stage, till) == without


@pytest.mark.parametrize("stored", [True, False])
async def test_a_commit_that_nobody_confirmed(stored: bool) -> None:
    seen = Seen()
    async with a_stage(seen, Stubborn()) as stage:
        phone = stage.phone()
        await phone.dial()
        commits = stage.faults.calls["commit"]
        stage.faults.unanswered = ("commit", commits + 1, stored)
        assert (await phone.reply("3")).startswith("Enter PIN")
        assert [outcome.what for outcome in seen.after] == ["asked", "asked"]


async def test_two_at_once_are_still_one_after_the_other() -> None:
    async with a_stage(Seen(), Stubborn()) as stage:
        phone = stage.phone()
        await phone.dial()
        request = phone.client.answer("3")
        first, second = await asyncio.gather(phone.send(request), stage.phone().send(request))
        assert first == second
        assert first.startswith("Enter PIN")
        assert sorted(turns(stage)) == ["asked", "asked", "duplicate"]


async def test_without_a_store_it_is_told_that_nothing_was_consumed() -> None:
    seen = Seen()
    async with a_stage(seen) as stage:
        stage.faults.unavailable = True
        assert await stage.phone().dial() == AWAY
    assert [(o.what, o.committed, o.error[:16]) for o in seen.after] == [
        ("unavailable", False, "StoreUnavailable")
    ]
