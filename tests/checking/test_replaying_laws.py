"""What a replay foretells comes true: over many edits, the changed app does with the conversation what was said."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import Any, Final

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from kikao.checking.replaying import Outcome
from kikao.events import TurnCommitted
from kikao.sessions.stores.sqlite import SQLiteStore
from kikao.testing import Phone, Stage
from tests.checking.edits import Program, Say, foretold

NAMES: Final = ("a", "b", "c", "d", "e")
OPTIONS: Final = (("x",), ("x", "y"), ("x", "y", "z"), ("z", "y"))

names = st.sampled_from(NAMES)
kinds = st.sampled_from(("text", "number", "confirm", "read", "step", "secret"))
statements = st.one_of(
    st.tuples(kinds, names).map(lambda drawn: Say(*drawn)),
    st.tuples(names, st.sampled_from(OPTIONS)).map(lambda drawn: Say("choice", *drawn)),
)
leavings = st.sampled_from(("end", "goto", "raise")).map(Say)


programs = st.lists(statements, min_size=2, max_size=5, unique_by=lambda say: say.name)


def distinct(program: list[Say]) -> list[Say]:
    """Without statements of a name that another has: names tell which question took an answer."""
    return list({say.name or say.do: say for say in program}.values())


@st.composite
def edited(draw: st.DrawFn, program: list[Say]) -> list[Say]:
    """The program after one or two edits."""
    changed = [*program]
    for _ in range(draw(st.integers(1, 2))):
        at = draw(st.integers(0, len(changed)))
        match draw(st.sampled_from(("insert", "remove", "replace", "leave", "swap", "options"))):
            case "insert":
                changed.insert(at, draw(statements))
            case "remove":
                del changed[at : at + 1]
            case "replace":
                changed[at : at + 1] = [draw(statements)]
            case "leave":
                changed.insert(at, draw(leavings))
            case "swap":
                changed[at : at + 2] = changed[at : at + 2][::-1]
            case _:
                changed = [
                    say._replace(options=draw(st.sampled_from(OPTIONS))) if say.options else say
                    for say in changed
                ]
    return distinct(changed)


@given(st.data())
@settings(max_examples=60, suppress_health_check=list(HealthCheck))
def test_what_was_foretold_comes_true(data: st.DataObject) -> None:
    before = data.draw(programs, "before")
    after = data.draw(edited(before), "after")
    answers = data.draw(st.integers(0, 4), "answers")
    asyncio.run(_tell_and_try(before, after, answers))


async def _tell_and_try(before: list[Say], after: list[Say], answers: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path, copy = Path(folder) / "sessions.db", Path(folder) / "copy.db"
        async with Stage(Program(*before).app, store=SQLiteStore(path)) as stage:
            phone = stage.phone()
            await phone.dial()
            for _ in range(answers):
                if phone.ended:
                    return
                await phone.reply(_answer(phone))
            found = await foretold(stage, Program(*after).app, path)
            settings, clock = stage.settings, stage.clock
        if not found:
            return
        (said,) = found
        shutil.copy(path, copy)
        program = Program(*after)
        async with Stage(program.app, settings, SQLiteStore(copy), clock=clock) as stage:
            again = _onto(phone, stage)
            offered = next((say.options for say in after if say.name == said.at), ())
            await again.reply(_answer(again, but=offered if "not offered" in said.reason else ()))
            (turn,) = [each for each in stage.events if isinstance(each, TurnCommitted)]
            event(said.verdict)
            assert _happened(said, turn, program, again), (said, turn, again.screen)


def _happened(said: Outcome, turn: TurnCommitted, program: Program, phone: Phone) -> bool:
    """Whether what was said is what came of the turn."""
    took = said.at in program.passed and turn.what != "failed"
    first = phone.screen.partition("\n")[0]
    match said.verdict:
        case "goes on":
            return said.at in program.passed
        case "asked again":
            there = f"{turn.flow}: {turn.at.partition('#')[0]}"
            return not took and turn.what == "asked" and there == said.comes_to and first == said.reads[0]
        case "ends":
            return not took and turn.what == "ended" and first == said.reads[0]
        case "parked":
            return turn.what == "parked" and first == said.reads[0]
        case "fails":
            return turn.what == "failed" and said.at not in program.passed
        case "unknown":
            return bool(program.till.asked)
        case _:
            return False


def _answer(phone: Phone, *, but: tuple[str, ...] = ()) -> str:
    """A valid answer to what is on the screen: `1` is a text, a number and an option. None of the options `but`."""
    if "PIN " in phone.screen:
        return "1234"
    for line in phone.screen.splitlines() if but else []:
        key, _, label = line.partition(" ")
        if key.isdigit() and len(label) == 1 and label not in but:
            return key
    return "1"


def _onto(phone: Phone, stage: Stage) -> Phone:
    """The same phone in the same dialogue, on another stage."""
    other: Any = stage.phone()
    other.client, other.ended, other.screen = phone.client, False, phone.screen
    return other  # type: ignore[no-any-return]
