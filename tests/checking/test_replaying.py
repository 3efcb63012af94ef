"""What becomes of conversations in flight: each class, exactly, from a store on disk, and nothing is performed."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from kikao import App, Chat, Choice, Done, Flows, Number, Text, Unknown, t
from kikao.checking.replaying import Outcome, Replayer
from kikao.conversation.member import Member
from kikao.sessions.stores.sqlite import SQLiteStore
from kikao.testing import Stage
from tests.checking.edits import Program, Say, foretold

BASE = (
    Say("text", "name"),
    Say("read", "fee"),
    Say("choice", "what", ("tea", "milk")),
    Say("text", "note"),
    Say("step", "pay"),
    Say("text", "thanks"),
    Say("end"),
)
NAME, FEE, WHAT, NOTE, PAY, THANKS, END = BASE
UPDATED = "We updated this service. Please enter this again."
START_AGAIN = "We updated this service. Please start again."


@asynccontextmanager
async def in_the_middle(tmp_path: Path, *answers: str) -> AsyncIterator[tuple[Stage, Path]]:
    """A stage on a file, where one member of BASE has given these answers."""
    path = tmp_path / "sessions.db"
    async with Stage(Program(*BASE).app, store=SQLiteStore(path)) as stage:
        phone = stage.phone()
        await phone.dial()
        await phone.reply(*answers)
        yield stage, path


async def outcome(tmp_path: Path, answers: str, *edited: Say, **options: Any) -> Outcome:
    """What becomes of a member of BASE who has given these answers, in an edited flow that asks nobody anything."""
    async with in_the_middle(tmp_path, *answers.split()) as (stage, path):
        program = Program(*edited, **options)
        (found,) = await foretold(stage, program.app, path)
        assert program.till.asked == []
        return found


@pytest.mark.parametrize(
    ("answers", "at"), [("", "name"), ("Asha", "what"), ("Asha 1", "note"), ("Asha 1 x", "thanks")]
)
async def test_the_same_code_goes_on_everywhere(tmp_path: Path, answers: str, at: str) -> None:
    found = await outcome(tmp_path, answers, *BASE)
    assert found == Outcome(verdict="goes on", flow="main", at=at)


async def test_a_change_behind_the_open_question_goes_on(tmp_path: Path) -> None:
    found = await outcome(tmp_path, "Asha", NAME, FEE, WHAT, Say("number", "more"), END)
    assert found.verdict == "goes on"


async def test_a_question_that_is_inserted_is_asked(tmp_path: Path) -> None:
    found = await outcome(tmp_path, "Asha 1", NAME, Say("text", "district"), *BASE[1:])
    assert (found.verdict, found.at, found.comes_to, found.dropped) == (
        "asked again",
        "note",
        "main: district",
        1,
    )
    assert found.reads == (UPDATED, "What district")
    assert found.reason.startswith("tests/checking/edits.py:")
    assert found.reason.endswith("the code comes to 'district#1' where the journal has 'fee#1' (read)")


async def test_a_question_that_is_renamed_or_of_another_type_is_asked_again(tmp_path: Path) -> None:
    renamed = await outcome(tmp_path, "Asha", NAME, FEE, Say("choice", "which", ("tea",)))
    assert (renamed.verdict, renamed.comes_to, renamed.dropped) == ("asked again", "main: which", 0)
    assert renamed.reason.endswith("the code asks 'which#1' (choice) where 'what#1' (choice) was open")


async def test_an_answer_of_another_type_is_asked_again(tmp_path: Path) -> None:
    typed = await outcome(tmp_path, "Asha 1", Say("number", "name"), *BASE[1:])
    assert (typed.verdict, typed.comes_to, typed.dropped) == ("asked again", "main: name", 2)
    assert typed.reason.endswith(
        "the code comes to 'name#1', which the journal has in another form (ask text)"
    )


async def test_an_option_that_is_gone_is_told_though_others_go_on(tmp_path: Path) -> None:
    found = await outcome(tmp_path, "Asha", NAME, FEE, Say("choice", "what", ("tea", "sugar")), *BASE[3:])
    assert (found.verdict, found.comes_to) == ("asked again", "main: what")
    assert found.reason == "1 of 2 options on the screen are not offered any more"
    assert found.reads == ("That option is no longer available.",)


async def test_an_option_that_is_added_or_moved_goes_on(tmp_path: Path) -> None:
    found = await outcome(
        tmp_path, "Asha", NAME, FEE, Say("choice", "what", ("sugar", "milk", "tea")), *BASE[3:]
    )
    assert found.verdict == "goes on"


async def test_an_effect_in_place_of_the_open_question_leads_back(tmp_path: Path) -> None:
    found = await outcome(tmp_path, "Asha 1", NAME, FEE, WHAT, PAY)
    assert (found.verdict, found.comes_to) == ("asked again", "main: what")
    assert "'pay#1' comes where a question was open" in found.reason


async def test_before_an_effect_that_is_done_it_is_parked(tmp_path: Path) -> None:
    found = await outcome(tmp_path, "Asha 1 x", Say("text", "district"), *BASE)
    assert (found.verdict, found.at, found.reads) == ("parked", "thanks", (START_AGAIN,))
    assert found.reason.endswith("the code comes to 'district#1' where the journal has 'name#1' (ask)")


async def test_a_flow_that_ends_before_the_effect_is_parked(tmp_path: Path) -> None:
    found = await outcome(tmp_path, "Asha 1 x", NAME)
    assert found.verdict == "parked"
    assert found.reason.endswith("the flow ends before the recorded 'fee#1'")


async def test_a_flow_that_is_gone_is_parked(tmp_path: Path) -> None:
    found = await outcome(tmp_path, "Asha", *BASE, name="start")
    assert (found.verdict, found.reason) == ("parked", "flow 'main' is not defined any more")


async def test_a_flow_that_ends_where_a_question_was_open_ends(tmp_path: Path) -> None:
    found = await outcome(tmp_path, "Asha 1", NAME, FEE, WHAT, END)
    assert (found.verdict, found.reads) == ("ends", ("Bye",))
    assert found.reason.endswith("the flow ends where 'note' was open")


async def test_a_flow_that_moves_to_another_asks_there(tmp_path: Path) -> None:
    found = await outcome(tmp_path, "Asha", NAME, FEE, Say("goto"))
    assert (found.verdict, found.comes_to) == ("asked again", "other: elsewhere")
    assert found.reason.endswith("the flow moves on where 'what' was open")


async def test_an_effect_that_it_moves_to_is_not_done(tmp_path: Path) -> None:
    found = await outcome(tmp_path, "Asha", NAME, FEE, Say("goto"), extra=(PAY,))
    assert (found.verdict, found.reason) == ("unknown", "comes to the effect 'pay#1', which is not done here")


async def test_code_that_raises_is_told_with_its_place_and_without_its_text(tmp_path: Path) -> None:
    found = await outcome(tmp_path, "Asha", NAME, Say("raise"))
    assert found.verdict == "fails"
    assert found.reason.startswith("tests/checking/edits.py:")
    assert found.reason.endswith(": KeyError")
    assert "0772000001" not in str(found)


async def test_beyond_a_look_up_nobody_knows(tmp_path: Path) -> None:
    found = await outcome(tmp_path, "Asha", NAME, FEE, Say("read", "open"), *BASE[2:])
    assert found.verdict == "unknown"
    assert found.reason.endswith("what comes then depends on the look-up 'open', which is not made here")


async def test_what_is_dropped_before_a_look_up_is_told(tmp_path: Path) -> None:
    found = await outcome(tmp_path, "Asha 1", *BASE[1:])
    assert (found.verdict, found.dropped) == ("unknown", 2)
    assert "the code comes to 'fee#1' where the journal has 'name#1' (ask); " in found.reason


async def test_what_newer_code_wrote_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    async with Stage(Program(*BASE, release=3).app, store=SQLiteStore(path)) as stage:
        await stage.phone().dial()
        (found,) = await foretold(stage, Program(*BASE, release=2).app, path)
        assert found.verdict == "left alone"
        assert "written by release 3" in found.reason
        (found,) = await foretold(stage, Program(*BASE, release=4).app, path)
        assert found.verdict == "goes on"


async def test_a_secret_that_is_open(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    async with Stage(Program(NAME, Say("secret", "pin")).app, store=SQLiteStore(path)) as stage:
        phone = stage.phone()
        await phone.dial()
        await phone.reply("Asha")
        (same,) = await foretold(stage, Program(NAME, Say("secret", "pin")).app, path)
        (renamed,) = await foretold(stage, Program(NAME, Say("secret", "code")).app, path)
    assert (same.verdict, same.at) == ("goes on", "pin")
    assert (renamed.verdict, renamed.comes_to) == ("asked again", "main: code")


async def test_a_session_that_expired_or_has_nothing_open_is_not_in_flight(tmp_path: Path) -> None:
    async with in_the_middle(tmp_path, "Asha") as (stage, path):
        await stage.phone("+256772000009").dial()
        assert len(await foretold(stage, Program(*BASE).app, path)) == 2
        stage.clock.advance(400)
        assert await foretold(stage, Program(*BASE).app, path) == []
        phone = stage.phone("+256772000008")
        await phone.dial()
        await phone.reply("Ben", "1", "x", "y")
        assert phone.screen == "Bye"
        assert await foretold(stage, Program(*BASE).app, path) == []


# --- effects that are open, outcomes that are to be told ---


class Bank:
    """Knows what became of a payment when a test says so."""

    unit = "UGX"

    def __init__(self) -> None:
        self.outcome: Done[int] | Unknown = Unknown()

    async def pay(self, key: str) -> Done[int] | Unknown:
        return self.outcome

    def rate(self) -> int:
        return 3


def paying(*, args: Any = None, name: str = "pay", before: bool = False, after: str = "ask") -> App:
    """A question, a payment, and what comes `after` it."""
    flows = Flows()

    @flows.flow("main")
    async def main(chat: Chat) -> None:
        bank = chat.service(Bank)
        if before:
            await chat.ask("new", Text(), t("New"))
        await chat.ask("amount", Number(), t(f"Amount in {bank.unit}"))
        await chat.step(name, bank.pay, retry="key", args=args, done=t("Paid"))
        if after == "read":
            await chat.read("balance", bank.rate)
        elif after == "step":
            await chat.step("notify", bank.pay, retry="key")
        await chat.ask("rating" if after != "renamed" else "stars", Number(), t("How was it?"))

    return App(flows, entry="main", services={Bank: Bank()}, members=False)


@asynccontextmanager
async def with_open_payment(tmp_path: Path, **edit: Any) -> AsyncIterator[tuple[Stage, Path]]:
    path = tmp_path / "sessions.db"
    async with Stage(paying(**edit), store=SQLiteStore(path)) as stage:
        phone = stage.phone()
        await phone.dial()
        await phone.reply("500")
        assert phone.ended
        yield stage, path


@pytest.mark.parametrize(
    ("edit", "verdict", "reason"),
    [
        ({}, "goes on", ""),
        ({"after": "renamed"}, "goes on", ""),
        ({"args": {"currency": "UGX"}}, "parked", "the arguments changed since its effect was begun"),
        ({"name": "transfer"}, "parked", "the code comes to 'transfer#1' where an effect is open"),
        ({"before": True}, "parked", "the code comes to 'new#1' where the journal has 'amount#1'"),
    ],
)
async def test_an_open_effect_goes_on_with_the_same_proof(
    tmp_path: Path, edit: dict[str, Any], verdict: str, reason: str
) -> None:
    async with with_open_payment(tmp_path) as (stage, path):
        (found,) = await foretold(stage, paying(**edit), path)
        assert (found.verdict, found.standing, found.at) == (verdict, "effect", "pay")
        assert reason in found.reason
        phone = stage.phone()
        await phone.dial()
        await phone.reply("2")  # start again: the run is parked, and its effect still open
        left, running = await foretold(stage, paying(**edit), path)
        assert (left.verdict, left.parked, left.standing) == (verdict, True, "effect")
        assert not running.parked


@pytest.mark.parametrize("after", ["ask", "read", "step", "renamed"])
async def test_an_outcome_that_is_to_be_told_goes_on_whatever_follows(tmp_path: Path, after: str) -> None:
    async with with_open_payment(tmp_path) as (stage, path):
        bank: Bank = stage.app.declared_services[Bank]  # type: ignore[index]
        bank.outcome = Done(1)
        stage.clock.advance(60)
        await stage.settle()
        (found,) = await foretold(stage, paying(after=after), path)
        assert (found.verdict, found.standing, found.at) == ("goes on", "outcome", "pay")
        (changed,) = await foretold(stage, paying(before=True), path)
        assert changed.verdict == "parked"


# --- what is not asked ---


def app_of(function: Any, services: Any = None) -> App:
    flows = Flows()
    flows.flow("main")(function)
    return App(flows, entry="main", services={Bank: Bank()} if services is None else services, members=False)


async def replay_of(function: Any, services: Any = None) -> Outcome:
    """A run that has answered `first` and is asked `second`."""

    async def old(chat: Chat) -> None:
        await chat.ask("first", Text(), t("First"))
        await chat.ask("second", Text(), t("Second"))

    async with Stage(app_of(old)) as stage:
        phone = stage.phone()
        await phone.dial()
        await phone.reply("x")
        (session,) = await stage.stored()
    now = dt.datetime.now(dt.UTC)
    (found,) = await Replayer(app_of(function, services), now=now).outcomes(session.conversation, Member("m"))
    return found


async def test_a_service_that_is_called_outside_of_a_look_up_is_not_asked() -> None:
    async def waits(chat: Chat) -> None:
        await chat.ask("first", Text(), t("First"))
        await chat.service(Bank).pay("key")

    async def takes(chat: Chat) -> None:
        await chat.ask("first", Text(), t("First"))
        if chat.service(Bank).rate():
            await chat.ask("second", Text(), t("Second"))

    async def breaks(chat: Chat) -> None:
        await chat.ask("first", Text(), t("First"))
        chat.service(Bank).client.rate() + 1  # type: ignore[attr-defined]

    for function in (waits, takes, breaks):
        found = await replay_of(function)
        assert found.verdict == "unknown"
        assert "Bank." in found.reason


async def test_a_service_that_the_app_does_not_have_fails() -> None:
    async def asks(chat: Chat) -> None:
        await chat.ask("first", Text(), t("First"))
        chat.service(Stage)

    found = await replay_of(asks)
    assert found.verdict == "fails"
    assert "the app has no service Stage; it has Bank" in found.reason


async def test_services_that_are_made_at_a_start_are_not_made() -> None:
    async def asks(chat: Chat) -> None:
        await chat.ask("first", Text(), t("First"))
        chat.service(Bank)
        await chat.ask("second", Text(), t("Second"))

    def services(settings: object) -> Any:
        raise AssertionError("nobody starts the app")

    assert (await replay_of(asks, services)).verdict == "goes on"


async def test_what_the_session_keeps_is_at_hand() -> None:
    async def keeps(chat: Chat) -> None:
        await chat.ask("first", Text(), t("First"))
        await chat.session.set("seen", 1)
        if await chat.session.get("seen"):
            await chat.ask("second", Text(), t("Second"))

    assert (await replay_of(keeps)).verdict == "goes on"


async def test_a_flow_that_swallows_its_end_still_arrives() -> None:
    async def swallows(chat: Chat) -> None:
        await chat.ask("first", Text(), t("First"))
        try:
            await chat.ask("second", Text(), t("Second"))
        except BaseException:
            await chat.ask("third", Text(), t("Third"))

    assert (await replay_of(swallows)).verdict == "goes on"


async def test_a_flow_that_waits_for_ever_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kikao.checking.replaying_host.TIME", 0.01)

    async def waits(chat: Chat) -> None:
        await asyncio.Event().wait()

    assert (await replay_of(waits)).verdict == "fails"


async def test_a_prompt_that_is_no_sentence_is_not_shown() -> None:
    async def greets(chat: Chat) -> None:
        name = await chat.ask("first", Text(), t("First"))
        await chat.ask("third", Choice(["a"]), f"Hello {name}")

    found = await replay_of(greets)
    assert found.reads == (UPDATED, "...")
