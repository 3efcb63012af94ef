"""What is special among the gateways of JSON with the last answer only. Hubtel and Nalo have files of their own."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from kikao import App, Chat, Flows, Text
from kikao.channels.inbound import Inbound
from kikao.channels.ussd.clients.client import FORM, JSON, Exchange
from kikao.channels.ussd.gateways.arkesel import Arkesel
from kikao.channels.ussd.registry import OPTIONS, SLUGS, kind
from kikao.channels.ussd.shapes.latest import Latest, whole_code
from kikao.config import load
from kikao.conversation.secrets import Secret
from kikao.events import DialogueClosed
from kikao.testing import Phone, Stage
from kikao.turn import WINDOW
from tests.channels.ussd.market import bare
from tests.talk import whats

AMA = "+233241234567"
CODE = "*284#"
FIRST, LAST, THIRD = "First?", "Last?", "Third?"
CONTINUE = "Continue where you stopped?\n1 Continue\n2 Start again"

flows = Flows()


@flows.flow("names")
async def names(chat: Chat) -> None:
    """Three questions that take anything, and the answers."""
    first = await chat.ask("first", Text(min=0, literal=True), FIRST)
    last = await chat.ask("last", Text(min=0, literal=True), LAST)
    third = await chat.ask("third", Text(min=0, literal=True), THIRD)
    await chat.end(f"({first}) ({last}) ({third})")


class Line(Phone):
    """A phone whose requests can be made by hand."""

    async def post(self, fields: Mapping[str, object]) -> str:
        """Send these fields as JSON; the screen without its lines of back and home."""
        await self.send(Exchange("", JSON, json.dumps(fields).encode()))
        return self.text

    @property
    def text(self) -> str:
        return bare(self.screen)


@asynccontextmanager
async def on(slug: str, folder: Path, *codes: str) -> AsyncIterator[tuple[Stage, Line]]:
    given = {f"KIKAO_USSD_{slug.upper()}_CODE": ",".join(codes)} if codes else {}
    async with Stage(
        App(flows, entry="names", members=False), load(given, folder, gateways=OPTIONS)
    ) as stage:
        yield stage, Line(stage._send, AMA, gateway=slug, code=CODE)


# --- what they share ---


def test_the_family_is_of_this_shape() -> None:
    of_this_shape = {slug for slug in SLUGS if issubclass(kind(slug), Latest)}
    assert of_this_shape >= {"arkesel", "emergent", "hubtel", "moolre", "nalo", "nsano", "uzo_korba_txtghana"}


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("711*2", "*711*2#"),
        ("*711*2", "*711*2#"),
        ("711#", "*711#"),
        ("*711*2#", "*711*2#"),
        ("5e1ec7", "5e1ec7"),
        ("711**2", "711**2"),
        ("*", "*"),
        ("", ""),
    ],
)
def test_a_code_is_written_as_it_is_dialled_and_an_id_as_it_is(said: str, code: str) -> None:
    assert whole_code(said) == code


def test_half_a_character_does_not_break_a_reply() -> None:
    asked = Inbound("ussd", "arkesel", AMA, "reply", text=Secret(""), dialogue="d")
    assert (
        json.loads(Arkesel().reply(asked, "half \ud83d of it", ends=True).body)["message"] == "half ? of it"
    )


@pytest.mark.parametrize("slug", ["arkesel", "moolre", "uzo_korba_txtghana", "emergent"])
async def test_the_same_answer_is_a_copy_for_a_second_and_then_another_answer(
    slug: str, tmp_path: Path
) -> None:
    async with on(slug, tmp_path) as (stage, ama):
        await ama.dial()
        await ama.reply("1")
        assert ama.text == LAST
        shown = ama.raw
        stage.clock.advance(WINDOW / 2)
        await ama.again()
        assert ama.raw == shown
        stage.clock.advance(WINDOW)
        await ama.again()
        assert ama.text == THIRD, "nothing else could tell a copy from the same answer to the next question"
        assert whats(stage.events).count("duplicate") == 1


@pytest.mark.parametrize("slug", ["arkesel", "moolre", "uzo_korba_txtghana", "emergent"])
async def test_an_answer_without_a_session_says_so_and_starts_again(slug: str, tmp_path: Path) -> None:
    async with on(slug, tmp_path) as (_, ama):
        ama.client.dial("lost")
        assert await ama.send(ama.client.answer("4321")) == f"Session expired. Please start again.\n{FIRST}"
        assert not ama.ended


# --- Arkesel ---


async def test_a_bare_hash_and_a_bare_star_are_answers(tmp_path: Path) -> None:
    async with on("arkesel", tmp_path) as (_, ama):
        await ama.dial()
        assert await ama.reply("#", "*", "*#") == "(#) (*) (*#)"


async def test_an_answer_finds_its_session_whatever_code_was_dialled(tmp_path: Path) -> None:
    async with on("arkesel", tmp_path, CODE, "*285#") as (_, ama):
        other = Line(ama._send, AMA, gateway="arkesel", code="*285#")
        await ama.dial()
        await ama.reply("1")
        assert await other.dial() == CONTINUE


# --- Moolre ---


async def test_a_long_dial_comes_apart_from_the_code_and_the_id_in_two_spellings(tmp_path: Path) -> None:
    fields = {
        "new": True,
        "msisdn": AMA[1:],
        "network": 6,
        "message": "",
        "extension": 284,
        "data": "Ama*07#",
    }
    async with on("moolre", tmp_path) as (_, ama):
        assert await ama.post({**fields, "sessionId": "m1"}) == THIRD
        answer = {**fields, "new": False, "message": "x", "extension": "284"}
        assert await ama.post({**answer, "sessionid": "m1"}) == "(Ama) (07) (x)"


async def test_each_extension_is_a_code_of_its_own(tmp_path: Path) -> None:
    async with on("moolre", tmp_path) as (_, ama):
        other = Line(ama._send, AMA, gateway="moolre", code="*203*77#")
        await ama.dial()
        await ama.reply("1")
        assert await other.dial() == FIRST


# --- Uzo, Korba and TxtGhana ---


async def test_operations_are_numbers_or_their_digits_in_the_same_dialogue(tmp_path: Path) -> None:
    fields = {"msisdn": AMA, "sessionID": "u1", "network": "01", "code": CODE, "country": "GH"}
    async with on("uzo_korba_txtghana", tmp_path) as (stage, ama):
        assert await ama.post({**fields, "ussdServiceOp": 1, "ussdString": "*284*Ama#"}) == LAST
        assert await ama.post({**fields, "ussdServiceOp": "18", "ussdString": "Mensah"}) == THIRD
        over = json.dumps({**fields, "ussdServiceOp": 33, "ussdString": "4321"}).encode()
        response = await stage._send(Exchange("/ussd/uzo_korba_txtghana", JSON, over))
        assert (response.status, response.body) == (200, b"")
        told = [event for event in stage.events if isinstance(event, DialogueClosed)]
        assert [event.note for event in told] == ["operation 33"]
        assert (
            await ama.post({**fields, "ussdServiceOp": 1, "ussdString": CODE, "sessionID": "u2"}) == CONTINUE
        )


async def test_a_code_that_comes_with_the_long_dial_is_that_of_the_settings(tmp_path: Path) -> None:
    fields = {"msisdn": AMA, "sessionID": "u1", "network": "01", "code": "*284*Ama#"}
    async with on("uzo_korba_txtghana", tmp_path, CODE) as (_, ama):
        assert await ama.post({**fields, "ussdServiceOp": 1, "ussdString": "*284*Ama#"}) == LAST
        assert await ama.post({**fields, "ussdServiceOp": 18, "ussdString": "x", "code": "284"}) == THIRD


# --- Nsano ---


async def test_where_nothing_else_tells_an_id_not_met_before_is_a_dial(tmp_path: Path) -> None:
    async with on("nsano", tmp_path, CODE) as (stage, ama):
        fields = {"msisdn": AMA[1:], "network": "MTN", "UserSessionID": "n1"}
        assert await ama.post({**fields, "msg": CODE}) == FIRST
        stage.clock.advance(5)
        assert await ama.post({**fields, "msg": CODE}) == FIRST, "a start that comes twice is one"
        assert await ama.post({**fields, "msg": "Ama"}) == LAST
        stage.clock.advance(5)
        assert await ama.post({**fields, "UserSessionID": "n2", "msg": CODE}) == CONTINUE
        assert await ama.post({**fields, "UserSessionID": "n1", "msg": "late"}) == CONTINUE
        assert await ama.post({**fields, "UserSessionID": "n2", "msg": "1"}) == LAST


async def test_a_request_may_be_a_query_a_form_or_json(tmp_path: Path) -> None:
    async with on("nsano", tmp_path, CODE) as (_, ama):
        said = f"UserSessionID=n1&msisdn=%2B{AMA[1:]}&network=MTN&msg="
        await ama.send(Exchange("", (), b"", "GET", f"{said}*284*Ama%23"))
        assert ama.text == LAST
        await ama.send(Exchange("", FORM, f"{said}Mensah+2".encode()))
        assert ama.text == THIRD
        third = {"UserSessionID": "n1", "msisdn": AMA[1:], "network": "MTN", "msg": "x"}
        assert await ama.post(third) == "(Ama) (Mensah 2) (x)"


# --- Emergent ---


async def test_a_service_is_named_by_its_code_or_by_its_name(tmp_path: Path) -> None:
    fields = {"SessionId": "e1", "Mobile": AMA[1:], "Operator": "MTN"}
    async with on("emergent", tmp_path, CODE) as (_, ama):
        named = {**fields, "USERID": "SHOP"}
        assert await ama.post({**named, "Type": "Initiation", "Message": "*284*Ama#"}) == LAST
        coded = {**fields, "SessionId": "e2", "ServiceCode": "285"}
        assert await ama.post({**coded, "Type": "Initiation", "Message": "*285*Efua*x#"}) == THIRD
        assert await ama.post({**named, "Type": "RESPONSE", "Message": "1"}) == THIRD, (
            "two services, two sessions"
        )
        assert await ama.post({**coded, "Type": "response", "Message": "2"}) == "(Efua) (x) (2)"
