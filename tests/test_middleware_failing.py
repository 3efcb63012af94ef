"""Middleware that breaks, hangs, or stands in the way: nothing it does takes a turn apart."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from kikao import Misuse, Outcome, Proceed, TurnContext
from kikao.i18n.messages import Text
from kikao.sessions.store import SessionStore
from kikao.sessions.stores.memory import MemoryStore
from kikao.sessions.stores.sqlite import SQLiteStore
from kikao.testing import DROPPED, Stage
from kikao.testing.stage import UNHURRIED
from kikao.testing.timers import let_pass
from tests.around import SOLD, Seen, a_stage, failures, nothing, turns
from tests.testing.shop import AWAY, HOW_MANY, PIN, MemoryTill, Till

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
        assert text.startswith(f"{error.__name__} at test_middleware_failing.py:")
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
    asyncio.get_running_loop().call_soon(let_pass, UNHURRIED)
    await asyncio.get_running_loop().create_future()


async def test_one_that_takes_too_long_before_the_turn() -> None:
    slow = True

    async def waits(turn: TurnContext, proceed: Proceed) -> Outcome:
        if slow:
            await hangs()
        return await proceed()

    async with a_stage(nothing, waits, nothing) as stage:
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

    async with a_stage(nothing, waits, nothing) as stage:
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

    async with a_stage(stubborn) as stage:
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
