"""Hubtel: requests are counted, so a copy is known whenever it comes. Real turns, a real store, a till."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from kikao.channels.ussd.clients.client import JSON, Exchange
from kikao.channels.ussd.registry import OPTIONS
from kikao.config import SettingsError, load
from kikao.testing import DROPPED, Phone, Stage
from tests.channels.ussd.market import CUPS, ENTER, FIRST, SURE, bare, market
from tests.talk import whats
from tests.testing.shop import CONTINUE, PIN, MemoryTill

ESI = "+233241234567"
CODE = "*713*21#"
PAID = "Paid S1. Any note?"
EXPIRED = f"Session expired. Please start again.\n{FIRST}"


class Line(Phone):
    """A phone whose requests can be made by hand."""

    async def ask(self, typed: str, sequence: int | str, kind: str = "Response", **changed: object) -> str:
        """Send a request; a field that is None is left out."""
        fields = {
            "Type": kind,
            "Message": typed,
            "ServiceCode": "713*21",
            "SessionId": "s-1",
            "Operator": "mtn",
            "ClientState": "",
            "Mobile": ESI[1:],
            "Sequence": sequence,
            **changed,
        }
        there = {name: value for name, value in fields.items() if value is not None}
        return await self.send(Exchange("", JSON, json.dumps(there).encode()))

    async def begin(self, *typed: str, **changed: object) -> None:
        """Dial, and answer one screen after the other."""
        await self.ask(CODE, 1, "Initiation", **changed)
        for sequence, answer in enumerate(typed, 2):
            await self.ask(answer, sequence, "Response", **changed)

    @property
    def text(self) -> str:
        """The screen without the lines of back and home."""
        return bare(self.screen)


@asynccontextmanager
async def at_market(folder: Path, till: MemoryTill | None = None) -> AsyncIterator[tuple[Stage, Line]]:
    settings = load({}, folder, gateways=OPTIONS)
    async with Stage(market(till or MemoryTill()), settings) as stage:
        yield stage, line(stage)


def line(stage: Stage) -> Line:
    return Line(stage._send, ESI, gateway="hubtel", code=CODE)


# --- copies ---


async def test_a_copy_gets_the_same_bytes_however_late_it_comes(tmp_path: Path) -> None:
    till = MemoryTill()
    async with at_market(tmp_path, till) as (stage, esi):
        await esi.begin("Tea", "3", "1", PIN)
        paid = esi.raw
        for wait in (0, 2, 100):
            stage.clock.advance(wait)
            assert bare(await esi.ask(PIN, 5)) == PAID
            assert esi.raw == paid
        assert bare(await esi.ask("Tea", "2")) == CUPS, "one of before, its sequence in digits"
        assert whats(stage.events).count("duplicate") == 4
        assert await esi.ask("thanks", 6) == "Noted: thanks"
        assert [sale.cups for sale in till.sales] == [3]


async def test_the_same_answer_counted_on_is_another_one_however_fast_it_comes(tmp_path: Path) -> None:
    async with at_market(tmp_path) as (stage, esi):
        await esi.begin("3", "3")
        assert esi.text == "3 cups of 3?\n1 Confirm\n2 Cancel"
        assert "duplicate" not in whats(stage.events)


async def test_the_same_sequence_with_another_text_is_the_same_request_and_answers_nothing(
    tmp_path: Path,
) -> None:
    async with at_market(tmp_path) as (stage, esi):
        await esi.begin("Tea")
        asked = esi.raw
        assert bare(await esi.ask("3", 2)) == CUPS
        assert esi.raw == asked
        assert whats(stage.events)[-1] == "duplicate"
        assert bare(await esi.ask("3", 3)) == SURE


async def test_a_dial_need_not_be_counted(tmp_path: Path) -> None:
    async with at_market(tmp_path) as (_, esi):
        await esi.ask(CODE, 1, "Initiation")
        assert bare(await esi.ask("Tea", 1)) == CUPS
        assert bare(await esi.ask("3", 2)) == SURE


async def test_a_start_that_comes_twice_is_one_and_a_later_one_is_a_redial(tmp_path: Path) -> None:
    async with at_market(tmp_path) as (stage, esi):
        await esi.begin("Tea")
        assert await esi.ask(CODE, 1, "Initiation") == FIRST, "the copy's reply, which no phone waits for"
        assert bare(await esi.ask("3", 3)) == SURE
        stage.clock.advance(20)
        assert await esi.ask(CODE, 1, "Initiation", SessionId="s-2") == CONTINUE
        assert bare(await esi.ask("1", 2, SessionId="s-2")) == CUPS, "a confirmation is never entered"


async def test_sequences_of_another_dialogue_and_of_another_member_are_others(tmp_path: Path) -> None:
    async with at_market(tmp_path) as (stage, esi):
        await esi.begin("Tea")
        other = line(stage)
        await other.begin("Soap", Mobile="233241234568")
        assert other.text == "How many cups of Soap?"
        await esi.begin("2", SessionId="s-2")
        assert esi.text == FIRST, "start again"
        assert "duplicate" not in whats(stage.events)


@pytest.mark.parametrize("wrong", [True, False])
async def test_a_pin_that_comes_again_pays_once(tmp_path: Path, *, wrong: bool) -> None:
    till = MemoryTill()
    async with at_market(tmp_path, till) as (_, esi):
        await esi.begin("Tea", "3", "1", "1379" if wrong else PIN)
        first = esi.raw
        await esi.ask("1379" if wrong else PIN, 5)
        assert esi.raw == first
        await esi.ask(PIN if wrong else "good", 6)
        assert esi.text == (PAID if wrong else "Noted: good")
        assert len(till.sales) == 1


# --- ids, and answers to nothing ---


async def test_an_id_that_changes_in_the_middle_goes_on_with_the_same_dialogue(tmp_path: Path) -> None:
    async with at_market(tmp_path) as (stage, esi):
        await esi.ask(CODE, 1, "Initiation")
        for sequence, typed in enumerate(("Tea", "3", "1", PIN), 2):
            await esi.ask(typed, sequence, SessionId=f"rotated-{sequence}")
        assert esi.text == PAID
        assert "offered" not in whats(stage.events)


async def test_what_comes_late_from_the_dialogue_before_answers_nothing(tmp_path: Path) -> None:
    async with at_market(tmp_path) as (_, esi):
        await esi.begin()
        await esi.begin(SessionId="s-2")
        assert await esi.ask("Soap", 2) == FIRST
        assert bare(await esi.ask("Tea", 2, SessionId="s-2")) == CUPS


@pytest.mark.parametrize("typed", ["1", PIN, "#", ""])
async def test_an_answer_without_a_session_says_so_and_starts_again(tmp_path: Path, typed: str) -> None:
    async with at_market(tmp_path) as (stage, esi):
        assert await esi.ask(typed, 4) == EXPIRED
        assert not esi.ended
        assert not await stage.holds(PIN)
        assert bare(await esi.ask("Tea", 5)) == CUPS


# --- the end ---


@pytest.mark.parametrize("kind", ["release", "Timeout"])
async def test_who_hangs_up_or_is_too_slow_goes_on_at_the_next_dial(tmp_path: Path, kind: str) -> None:
    till = MemoryTill()
    async with at_market(tmp_path, till) as (stage, esi):
        await esi.begin("Tea", "3", "1")
        assert esi.text == ENTER
        await stage._send(
            Exchange(
                "/ussd/hubtel",
                JSON,
                json.dumps(
                    {
                        "Type": kind,
                        "Message": PIN,
                        "ServiceCode": "713*21",
                        "SessionId": "s-1",
                        "Mobile": ESI[1:],
                    }
                ).encode(),
            )
        )
        assert whats(stage.events)[-1] == "closed"
        assert await esi.ask(CODE, 1, "Initiation", SessionId="s-2") == CONTINUE
        assert bare(await esi.ask("1", 2, SessionId="s-2")) == CUPS, "never straight to a PIN"
        assert not till.sales
        assert not await stage.holds(PIN)


async def test_a_drop_in_a_payment_is_answered_with_what_became_of_it(tmp_path: Path) -> None:
    till = MemoryTill()
    async with at_market(tmp_path, till) as (stage, esi):
        await esi.begin("Tea", "3", "1")
        stage.crash_at("commit", before=False)
        assert await esi.ask(PIN, 5) == DROPPED
        await stage.restart()
        assert bare(await esi.ask(PIN, 5)) == PAID, "the provider asks again"
        assert len(till.sales) == 1


# --- dialling, and what else comes ---


@pytest.mark.parametrize(
    ("dialled", "screen"),
    [
        ("*713*21*Tea*3#", SURE),
        (f"*713*21*Tea*3*1*{PIN}#", SURE),
        ("*713*21*Tea*many#", f"Enter a number of at least 1.\n{CUPS}"),
        ("", FIRST),
        ("*714#", FIRST),
    ],
)
async def test_a_long_dial_needs_no_settings_and_takes_no_pin(
    tmp_path: Path, dialled: str, screen: str
) -> None:
    till = MemoryTill()
    async with at_market(tmp_path, till) as (_, esi):
        await esi.ask(dialled, 1, "Initiation")
        assert esi.text == screen
        assert not till.sales


async def test_each_service_code_has_a_session_and_so_has_a_service_that_is_no_code(tmp_path: Path) -> None:
    async with at_market(tmp_path) as (_, esi):
        await esi.begin("Tea")
        assert await esi.ask("", 1, "Initiation", SessionId="s-2", ServiceCode="5e1ec7ab1e") == FIRST
        assert (
            bare(await esi.ask("Tea", 2, SessionId="s-2", ServiceCode=None, serviceCode="5e1ec7ab1e")) == CUPS
        )
        assert bare(await esi.ask("3", 3, ServiceCode=None, serviceCode="*713*21#")) == SURE


async def test_a_state_that_comes_is_ignored_and_none_goes_back(tmp_path: Path) -> None:
    async with at_market(tmp_path) as (_, esi):
        await esi.begin()
        await esi.ask("Tea", 2, ClientState=PIN)
        assert esi.text == CUPS
        assert esi.raw is not None
        assert json.loads(esi.raw[1])["ClientState"] == ""


def test_the_label_is_a_title(tmp_path: Path) -> None:
    def labelled(label: str) -> object:
        return load({"KIKAO_USSD_HUBTEL_LABEL": label}, tmp_path, gateways=OPTIONS)

    assert labelled("Sika kotoku")
    for label in ("x" * 41, " ", "two\nlines"):
        with pytest.raises(SettingsError, match="KIKAO_USSD_HUBTEL_LABEL"):
            labelled(label)
