"""Nalo: single answers, ids that cannot be trusted, requests that come twice. Real turns, a real store, a till."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from kikao import Done, Refused, Secret
from kikao.channels.ussd.clients.client import JSON, Exchange
from kikao.channels.ussd.registry import SLUGS
from kikao.config import load
from kikao.events import TurnEvent
from kikao.sessions.policy import Explicit, Policies, SessionPolicy
from kikao.sessions.store import SessionStore
from kikao.sessions.stores.memory import MemoryStore
from kikao.sessions.stores.sqlite import SQLiteStore
from kikao.testing import DROPPED, Phone, Stage
from kikao.turn import WINDOW
from tests.channels.ussd.market import CUPS, ENTER, FIRST, SURE, bare, market
from tests.talk import whats
from tests.testing.shop import CLOSING, CONTINUE, PIN, MemoryTill, Sale

AMA = "+233241234567"
CODE = "*380*77#"
BASE, LONG = "*380*77#", "*380*77*Tea*3#"
EXPIRED = "Session expired. Please start again."


class Line(Phone):
    """A phone whose requests can be made by hand."""

    async def ask(self, typed: str, *, begins: bool = False, **changed: object) -> str:
        """Send a request with a USERDATA; a field that is None is left out."""
        fields = {
            "USERID": "ACME",
            "MSISDN": AMA[1:],
            "USERDATA": typed,
            "MSGTYPE": begins,
            "NETWORK": "MTN",
            "SESSIONID": "17000000001",
            **changed,
        }
        there = {name: value for name, value in fields.items() if value is not None}
        return await self.send(Exchange("", JSON, msgspec.json.encode(there)))

    async def come_to(self, screen: str) -> None:
        """Dial, and answer until that screen shows."""
        await self.dial()
        for answer in ("Tea", "3", "1", PIN):
            if self.text == screen:
                return
            await self.reply(answer)

    @property
    def text(self) -> str:
        """The screen without the lines of back and home."""
        return bare(self.screen)


@asynccontextmanager
async def at_market(
    till: MemoryTill | None = None, *codes: str, store: SessionStore | None = None
) -> AsyncIterator[tuple[Stage, Line]]:
    environ = {"KIKAO_USSD_NALO_CODE": ",".join(codes)} if codes else {}
    with tempfile.TemporaryDirectory(prefix="kikao-") as folder:
        settings = load(environ, Path(folder), gateways=SLUGS)
        async with Stage(market(till or MemoryTill()), settings, store) as stage:
            yield stage, line(stage)


def line(stage: Stage) -> Line:
    phone = Line(stage._send, AMA, gateway="nalo", code=CODE)
    phone.before_answer = lambda: stage.clock.advance(2 * WINDOW)
    return phone


# --- ids that cannot be trusted ---


async def test_a_conversation_of_an_old_account_without_session_ids() -> None:
    till = MemoryTill()
    async with at_market(till) as (stage, ama):
        assert await ama.ask(BASE, begins=True, SESSIONID=None) == FIRST
        for typed in ("Tea", "3", "1", PIN):
            stage.clock.advance(2)
            await ama.ask(typed, SESSIONID=None)
        assert ama.text == "Paid S1. Any note?"
        stage.clock.advance(2)
        assert await ama.ask(BASE, begins=True, SESSIONID=None) == CONTINUE
        assert [sale.cups for sale in till.sales] == [3]


async def test_an_id_that_changes_in_the_middle_goes_on_with_the_same_dialogue() -> None:
    async with at_market() as (stage, ama):
        await ama.ask(BASE, begins=True)
        for place, typed in enumerate(("Tea", "3", "1", PIN)):
            stage.clock.advance(2)
            await ama.ask(typed, SESSIONID=f"rotated{place}")
        assert ama.text == "Paid S1. Any note?"
        assert "offered" not in whats(stage.events)


async def test_what_comes_late_from_the_dialogue_before_answers_nothing() -> None:
    async with at_market() as (stage, ama):
        await ama.ask(BASE, begins=True, SESSIONID="one")
        await ama.ask(BASE, begins=True, SESSIONID="two")
        assert ama.text == FIRST
        stage.clock.advance(30)
        assert await ama.ask("Soap", SESSIONID="one") == FIRST
        assert (await ama.ask("Tea", SESSIONID="two")).startswith(CUPS)


async def test_a_number_with_and_without_its_plus_is_one_member() -> None:
    async with at_market() as (_, ama):
        await ama.ask(BASE, begins=True, MSISDN=AMA)
        assert (await ama.ask("Tea", MSISDN=AMA[1:])).startswith(CUPS)


async def test_the_company_s_id_and_the_code_dialled_separate_nobody() -> None:
    async with at_market(None, CODE, "*380*78#") as (stage, ama):
        await ama.ask("*380*78#", begins=True, USERID="ACME")
        assert (await ama.ask("Tea", USERID="ACME2")).startswith(CUPS)
        stage.clock.advance(2)
        other = line(stage)
        assert await other.ask(BASE, begins=True, MSISDN="233241234568") == FIRST


async def test_one_gateway_s_answer_is_none_to_another_gateway_s_screen() -> None:
    async with at_market() as (stage, ama):
        await ama.come_to(SURE)
        elsewhere = stage.phone(AMA)
        assert await elsewhere.dial() == FIRST, "by default each gateway has its own sessions"


# --- dialling ---


async def test_a_redial_while_the_dialogue_lives_offers_to_continue() -> None:
    async with at_market() as (_, ama):
        await ama.come_to(CUPS)
        assert await ama.dial() == CONTINUE
        assert (await ama.reply("1")).startswith(CUPS)


async def test_after_a_drop_at_the_pin_nobody_comes_straight_to_it() -> None:
    till = MemoryTill()
    async with at_market(till) as (_, ama):
        await ama.come_to(ENTER)
        assert await ama.dial() == CONTINUE
        assert (await ama.reply("1")).startswith(CUPS)
        assert not till.sales


NOTES = {
    ("*999#",): "dialled a code that is not in the settings",
    (): "no CODE in the settings, so nothing behind it is taken",
}


@pytest.mark.parametrize(
    ("codes", "dialled", "screen"),
    [
        ((CODE,), BASE, FIRST),
        ((CODE,), LONG, SURE),
        ((CODE,), f"*380*77*Tea*3*1*{PIN}#", SURE),
        ((CODE,), "*380*77*Tea*many*1#", f"Enter a number of at least 1.\n{CUPS}"),
        ((CODE, "*380#"), LONG, SURE),
        (("*380#",), LONG, "Enter a number of at least 1.\nHow many cups of 77?"),
        ((), LONG, FIRST),
        (("*999#",), LONG, FIRST),
    ],
    ids=[
        "the code",
        "long",
        "with a PIN",
        "wrong answer",
        "two codes",
        "shorter code",
        "no code",
        "another code",
    ],
)
async def test_a_long_dial_answers_plain_questions(codes: tuple[str, ...], dialled: str, screen: str) -> None:
    till = MemoryTill()
    async with at_market(till, *codes) as (stage, ama):
        await ama.ask(dialled, begins=True)
        assert ama.text == screen
        assert not till.sales
        notes = {event.note for event in stage.events if isinstance(event, TurnEvent)}
        assert notes == {NOTES.get(codes, "")}


# --- answers to nothing ---


@pytest.mark.parametrize("typed", ["1", PIN, "Tea", "", "0"])
async def test_an_answer_without_a_session_says_so_and_starts_again(typed: str) -> None:
    async with at_market() as (stage, ama):
        assert await ama.ask(typed) == f"{EXPIRED}\n{FIRST}"
        assert not ama.ended
        stage.clock.advance(2)
        assert (await ama.ask("Tea")).startswith(CUPS)


@pytest.mark.parametrize("hours", [0.1, 100])
async def test_a_pin_that_comes_too_late_pays_nothing_and_is_kept_nowhere(hours: float) -> None:
    till = MemoryTill()
    async with at_market(till) as (stage, ama):
        await ama.come_to(ENTER)
        stage.clock.advance(3600 * hours)
        await stage.server.sessions.store.sweep(now=stage.clock(), limit=100)
        assert await ama.reply(PIN) == f"{EXPIRED}\n{FIRST}"
        assert not till.sales
        assert not await stage.holds(PIN)
        await ama.reply("Tea")
        assert ama.text == CUPS


async def test_an_answer_after_the_last_screen_starts_again_and_answers_nothing() -> None:
    async with at_market() as (stage, ama):
        await ama.come_to("Paid S1. Any note?")
        assert await ama.reply("thanks") == "Noted: thanks"
        stage.clock.advance(2)
        assert (await ama.ask("Tea")).endswith(FIRST)


# --- requests that come twice ---


@pytest.mark.parametrize("store", ["memory", "sqlite"])
async def test_the_same_body_within_a_second_gets_the_same_bytes_and_later_is_an_answer(
    store: str, tmp_path: Path
) -> None:
    sessions = MemoryStore() if store == "memory" else SQLiteStore(tmp_path / "sessions.db")
    async with at_market(store=sessions) as (stage, ama):
        await ama.dial()
        stage.clock.advance(5)
        await ama.ask("3")
        first = ama.raw
        for wait in (0.0, 0.5, 0.49):
            stage.clock.advance(wait)
            await ama.ask("3")
            assert ama.raw == first
        stage.clock.advance(0.02)
        await ama.ask("3")
        assert ama.text == "3 cups of 3?\n1 Confirm\n2 Cancel"
        assert whats(stage.events).count("duplicate") == 3


async def test_another_answer_within_a_second_is_an_answer() -> None:
    async with at_market() as (_, ama):
        await ama.dial()
        await ama.ask("Tea")
        await ama.ask("3")
        assert ama.text == SURE


async def test_the_same_answer_to_another_question_is_one_however_fast_it_comes() -> None:
    """As a script types: 1, something else, 1. Only the last message can come twice."""
    async with at_market() as (stage, ama):
        await ama.dial()
        for typed in ("1", "3", "1", PIN):
            await ama.ask(typed)
        assert ama.text == "Paid S1. Any note?"
        assert "duplicate" not in whats(stage.events)
        paid = ama.raw
        await ama.ask(PIN)
        assert ama.raw == paid
        assert whats(stage.events)[-1] == "duplicate"


async def test_an_answer_that_crosses_another_is_none_though_it_was_given_before() -> None:
    till = BusyTill()
    async with at_market(till) as (stage, ama):
        await ama.dial()
        for typed in ("1", "3", "1"):
            await ama.ask(typed)
        paying = asyncio.create_task(ama.ask(PIN))
        await till.busy.wait()
        crossing = asyncio.create_task(line(stage).ask("1"))
        await asyncio.sleep(0)
        till.may_end.set()
        assert bare(await crossing) == bare(await paying) == "Paid S1. Any note?"


async def test_copies_of_an_answer_that_was_given_before_get_the_same_screen(tmp_path: Path) -> None:
    """Both find the reply to the first "1"; the one that stands in line must not be answered with that."""
    async with at_market(store=SQLiteStore(tmp_path / "sessions.db")) as (stage, ama):
        await ama.dial()
        for typed in ("1", "3"):
            await ama.ask(typed)
        screens = await asyncio.gather(*(line(stage).ask("1") for _ in range(3)))
        assert [bare(screen) for screen in screens] == [ENTER] * 3
        assert whats(stage.events)[-3:] == ["asked", "duplicate", "duplicate"]


@pytest.mark.parametrize(("back", "copy"), [(0.5, True), (1.5, False), (60, False)])
async def test_a_clock_that_is_set_back_makes_no_copy_of_an_answer(back: float, *, copy: bool) -> None:
    """Nobody's answers may be lost for as long as a clock was ahead."""
    async with at_market() as (stage, ama):
        await ama.dial()
        await ama.ask("3")
        stage.clock.now -= back
        await ama.ask("3")
        assert ama.text == ("How many cups of 3?" if copy else "3 cups of 3?\n1 Confirm\n2 Cancel")
        again = ama.raw
        await ama.ask("3")
        assert ama.raw == again


async def test_a_dial_that_comes_twice_offers_nothing_to_continue() -> None:
    async with at_market(None, CODE) as (_, ama):
        await ama.ask(LONG, begins=True)
        first = ama.raw
        await ama.ask(LONG, begins=True)
        assert ama.raw == first


async def test_a_dial_and_an_answer_that_look_the_same_are_two() -> None:
    async with at_market(None, "*1#") as (_, ama):
        await ama.ask("*1*7#", begins=True)
        assert ama.text == "How many cups of 7?"
        await ama.ask("7")
        assert ama.text == "7 cups of 7?\n1 Confirm\n2 Cancel"


async def test_members_are_not_taken_for_each_other() -> None:
    async with at_market() as (_, ama):
        await ama.ask(BASE, begins=True)
        await ama.ask(BASE, begins=True, MSISDN="233241234568")
        assert (await ama.ask("Tea")).startswith(CUPS)
        assert (await ama.ask("Tea", MSISDN="233241234568")).startswith(CUPS)


@pytest.mark.parametrize("ids", [True, False], ids=["ids", "no ids"])
async def test_where_several_share_a_session_nobody_answers_a_screen_that_another_saw(*, ids: bool) -> None:
    app = market(MemoryTill())
    app.policies = Policies(SessionPolicy(identifier=Explicit("kiosk")))
    async with Stage(app) as stage:

        async def ask(number: int, typed: str, *, begins: bool = False) -> str:
            own = f"id{number}" if ids else None
            screen = await phone.ask(typed, begins=begins, MSISDN=f"23324123456{number}", SESSIONID=own)
            return bare(screen)

        phone = line(stage)
        for number in (1, 2, 3):
            assert await ask(number, BASE, begins=True) == FIRST
        assert await ask(1, "Tea") == FIRST, "the last screen was shown to another"
        stage.clock.advance(2)
        assert await ask(1, "Tea") == CUPS
        assert await ask(3, "7") == CUPS
        assert await ask(2, "8") == CUPS
        stage.clock.advance(2)
        assert await ask(2, "3") == SURE


class BusyTill(MemoryTill):
    """A till that takes its time: `busy` is set once it is at work, and it is done when `may_end` is."""

    def __init__(self) -> None:
        super().__init__()
        self.busy, self.may_end = asyncio.Event(), asyncio.Event()

    async def pay(self, cups: int, *, pin: Secret, key: str) -> Done[Sale] | Refused:
        paid = await super().pay(cups, pin=pin, key=key)
        self.busy.set()
        await self.may_end.wait()
        return paid


async def paying(stage: Stage, ama: Line, copies: int) -> list[asyncio.Task[str]]:
    """The request with the PIN, so often at the same time."""
    await ama.come_to(ENTER)
    stage.clock.advance(2)
    ama.exchange = ama.client.answer(PIN)
    return [asyncio.create_task(line(stage).send(ama.exchange)) for _ in range(copies)]


async def test_a_payment_whose_request_comes_again_while_it_runs_is_paid_once() -> None:
    till = BusyTill()
    async with at_market(till) as (stage, ama):
        sent = await paying(stage, ama, 5)
        await till.busy.wait()
        till.may_end.set()
        replies = await asyncio.gather(*sent)
        assert {bare(reply) for reply in replies} == {"Paid S1. Any note?"}
        assert len(till.sales) == 1
        assert await ama.again() == replies[0]
        assert whats(stage.events).count("duplicate") == 5


async def test_all_copies_of_a_payment_that_takes_too_long_get_the_same_closing_screen() -> None:
    till = MemoryTill()
    async with at_market(till) as (stage, ama):
        with stage.service(MemoryTill).slow("pay", times=1):
            replies = await asyncio.gather(*await paying(stage, ama, 3))
            assert set(replies) == {CLOSING}
        await stage.settle()
        assert (await ama.dial()).startswith("Paid S1. Any note?")
        assert len(till.sales) == 1


@pytest.mark.parametrize("after", [0.5, 2.0, 20.0])
async def test_a_pin_that_comes_again_does_not_answer_the_next_question(after: float) -> None:
    """The reply got lost, the provider tries again: the note must not be the PIN, which would be kept."""
    till = MemoryTill()
    async with at_market(till) as (stage, ama):
        await ama.come_to("Paid S1. Any note?")
        screen = ama.screen
        for _ in range(2):
            stage.clock.advance(after)
            assert await ama.again() == screen
        assert await ama.reply("thanks") == "Noted: thanks"
        assert len(till.sales) == 1


@pytest.mark.parametrize("crashed", [False, True])
async def test_no_stored_session_and_no_event_holds_a_pin_that_came_again(crashed: bool) -> None:
    async with at_market() as (stage, ama):
        await ama.come_to(ENTER)
        await ama.reply("1111")
        if crashed:
            stage.crash_at("commit")
        await ama.reply(PIN)
        if crashed:
            await stage.restart()
        for _ in range(3):
            stage.clock.advance(3)
            await ama.again()
        assert await stage.holds("Tea"), "so it would find the PINs, too"
        assert not await stage.holds(PIN)
        assert not await stage.holds("1111")


async def test_a_wrong_pin_typed_twice_is_two_tries_and_a_number_may_equal_a_pin() -> None:
    till = MemoryTill()
    async with at_market(till) as (_, ama):
        await ama.come_to(ENTER)
        assert (await ama.reply("1111")).startswith("Wrong PIN")
        assert (await ama.reply("1111")).startswith("Wrong PIN")
        asked = till.asked
        await ama.reply(PIN)
        assert (ama.text, till.asked - asked) == ("Paid S1. Any note?", 1)
        await ama.reply("x")
        await ama.dial()
        await ama.reply(PIN)
        assert ama.text == f"How many cups of {PIN}?"


@pytest.mark.parametrize("before", [True, False], ids=["before it is recorded", "after that"])
@pytest.mark.parametrize("after", [0.1, 30.0])
async def test_a_payment_that_a_crash_broke_off_is_paid_once_and_the_pin_answers_nothing(
    before: bool, after: float
) -> None:
    """The copy of the request brings the PIN once more, and the process that took it is dead."""
    till = MemoryTill()
    async with at_market(till) as (stage, ama):
        await ama.come_to(ENTER)
        stage.crash_at("commit", before=before)
        assert await ama.reply(PIN) == DROPPED
        stage.clock.advance(after)
        await stage.restart()
        await ama.again()
        assert ama.text == "Paid S1. Any note?"
        assert await ama.reply("thanks") == "Noted: thanks"
        assert len(till.sales) == 1


async def test_unavailable_is_no_turn_so_the_same_body_is_a_turn_afterwards() -> None:
    async with at_market() as (stage, ama):
        await ama.dial()
        stage.faults.unavailable = True
        await ama.ask("Tea")
        assert ama.ended
        stage.faults.unavailable = False
        assert (await ama.ask("Tea")).startswith(CUPS)
