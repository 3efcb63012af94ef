"""What is special among the gateways that send everything typed since the dial."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from kikao import App, Chat, Flows, Text
from kikao.channels.channel import Request, Response
from kikao.channels.inbound import Inbound
from kikao.channels.ussd.gateways.advanta import Advanta
from kikao.channels.ussd.gateways.crossgate import Crossgate
from kikao.channels.ussd.gateways.safaricom import Safaricom
from kikao.channels.ussd.registry import SLUGS, client, gateways, kind
from kikao.channels.ussd.shapes.accumulated import Accumulated
from kikao.config import SettingsError, load
from kikao.conversation.screens import Option, Screen
from kikao.events import TurnCommitted
from kikao.testing import Phone, Stage, in_process

KIN = [slug for slug in SLUGS if issubclass(kind(slug), Accumulated)]
SHARED = ("*321*9#",)

# Answers as members type them, which may hold every character that the syntax has.
ANSWERS = st.lists(st.text("0129*#ab ŋ", max_size=6), max_size=5)

flows = Flows()


@flows.flow("names")
async def names(chat: Chat) -> None:
    """Two questions that take anything, and both answers; and the number, of whoever says "me"."""
    first = await chat.ask("first", Text(min=0, literal=True), "First?")
    last = await chat.ask("last", Text(min=0, literal=True), "Last?")
    await chat.end(f"({first}) ({last})" + (f" {chat.member.msisdn}" if first == "me" else ""))


def get(**fields: str) -> Request:
    return Request("GET", "/ussd/any", urlencode(fields).encode(), {}, b"")


def dialled(params: str, *codes: str, dest: str = "321") -> Inbound:
    request = get(ORIG="254712000111", DEST=dest, SESSION_ID="s1", USSD_PARAMS=params)
    return Safaricom(codes=codes).parse(request)


def staged(slug: str, code: str, folder: Path) -> Stage:
    own = load({f"KIKAO_USSD_{slug.upper()}_CODE": code}, folder, gateways=SLUGS)
    return Stage(App(flows, entry="names", members=False), own)


# --- what they share ---


def test_the_family_is_of_this_shape() -> None:
    assert {
        "africastalking",
        "mobilesasa",
        "hellio",
        "crossgate",
        "techsavanna",
        "advanta",
        "safaricom",
    } == set(KIN)
    assert {each.envelope for each in gateways().values() if isinstance(each, Accumulated)} == {4}


@pytest.mark.parametrize("slug", KIN)
def test_a_reply_that_says_neither_con_nor_end_is_none(slug: str) -> None:
    with pytest.raises(ValueError, match="CON or END"):
        client(slug, "+254712000111", "*284#").read(Response(200, (), b"Welcome"))


@pytest.mark.parametrize("slug", KIN)
@given(answers=ANSWERS)
@settings(max_examples=30)
def test_whatever_is_typed_each_text_goes_on_from_the_one_before(slug: str, answers: list[str]) -> None:
    code = "*284*7#"
    found, phone = kind(slug)(codes=[code]), client(slug, "+254712000111", code)
    dialled = found.parse(phone.dial("d1", "1").request(f"/ussd/{slug}"))
    said = [dialled.text.reveal()]
    for answer in answers:
        answered = found.parse(phone.answer(answer).request(f"/ussd/{slug}"))
        said.append(f"{said[-1]}*{answer}")
        assert answered.text.reveal() == said[-1]
        assert (answered.service_code, answered.code_length) == (dialled.service_code, dialled.code_length)
        assert (answered.dialogue, answered.identity) == ("d1", "+254712000111")


# --- the code within the text ---


def test_the_code_of_the_settings_that_was_dialled_ends_where_it_says() -> None:
    codes = ("*321*90#", "*321*9*3#", "*321*9*30#")
    found = [dialled(params, *codes) for params in ("90", "90*3", "9*30", "9*3", "9*3*1")]
    assert [each.service_code for each in found] == [codes[0], codes[0], codes[2], codes[1], codes[1]]
    assert [each.typed() for each in found] == ["", "3", "", "", "1"]
    assert dialled("1*9", "*321#").service_code == dialled("", "*321#").service_code == "*321#"


def test_a_code_of_another_provider_does_not_match() -> None:
    assert dialled("9*1", "*3219#", "*32#", "*999*9#", *SHARED).code_length == 1
    assert dialled("9*1", "*3219*9#").note == "dialled a code that is not in the settings"


@pytest.mark.parametrize("dest", ["321", "*321", "321#", "*321#"])
def test_a_code_may_be_written_without_its_ends(dest: str) -> None:
    assert dialled("9", *SHARED, dest=dest).service_code == "*321*9#"


def test_a_dial_string_and_what_follows_the_code_are_read_alike() -> None:
    def read(text: str) -> tuple[str, str]:
        found = Advanta(codes=("*618*52#",)).parse(
            get(SESSIONID="1", USSDCODE="*618#", MSISDN="254712000111", INPUT=text)
        )
        return found.text.reveal(), found.service_code

    for whole, behind in (("*618*52#", "52"), ("*618*52*1*#", "52*1*"), ("*618*52***#", "52***")):
        assert read(whole) == read(behind) == (behind, "*618*52#")
    assert read("*618*52*1##") == read("52*1#")
    assert read("52*618*52*1")[0] == "52*618*52*1", "an answer may look like a code"


@pytest.mark.parametrize("slug", ["safaricom", "advanta"])
async def test_an_extension_is_neither_an_answer_nor_dialled_ahead(slug: str, tmp_path: Path) -> None:
    async with staged(slug, "*321*9#", tmp_path) as stage:
        phone = stage.phone("+254712000111", gateway=slug, code="*321*9#")
        assert await phone.dial() == "First?"
        assert await phone.again() == "First?", "it may begin twice"
        assert (await phone.reply("9")).startswith("Last?")
        assert await phone.reply("****") == "(9) (****)"
        assert (await phone.dial("a")).startswith("Last?"), "a long dial"
        assert await phone.reply("b*c") == "(a) (b*c)"


async def test_a_dialogue_that_begins_twice_at_once_is_one(tmp_path: Path) -> None:
    async with staged("safaricom", "*321*9#", tmp_path) as stage:
        phone = stage.phone("+254712000111", gateway="safaricom", code="*321*9#")
        start = replace(phone.client.dial("s1", "a"), path="/ussd/safaricom")
        send = in_process(stage.server)
        replies = await asyncio.gather(*(send(start) for _ in range(4)))
        assert {(reply.status, reply.body) for reply in replies} == {(200, b"CON Last?")}
        assert await phone.send(phone.client.answer("b")) == "(a) (b)"
        assert len([event for event in stage.events if isinstance(event, TurnCommitted)]) == 2


@pytest.mark.parametrize("slug", KIN)
async def test_no_member_gets_the_reply_of_another_whose_dialogue_has_the_same_id(
    slug: str, tmp_path: Path
) -> None:
    """Some providers count their dialogues, and may count those of each network from 1."""
    async with staged(slug, "*284#", tmp_path) as stage:
        numbers = ("+254712000111", "+254733000222")
        phones = [stage.phone(number, gateway=slug) for number in numbers]
        for phone in phones:
            assert await phone.send(phone.client.dial("1")) == "First?"
            assert (await phone.reply("me")).startswith("Last?")
        assert [await phone.reply("X") for phone in phones] == [f"(me) (X) {number}" for number in numbers]


async def test_where_a_dial_is_an_empty_text_an_empty_first_answer_shows_the_screen_again(
    tmp_path: Path,
) -> None:
    async with staged("crossgate", "*321#", tmp_path) as stage:
        phone = stage.phone("+254712000111", gateway="crossgate", code="*321#")
        assert [await phone.dial(), await phone.reply("")] == ["First?", "First?"]
        assert (await phone.reply("a")).startswith("Last?")


@pytest.mark.parametrize("slug", ["safaricom", "advanta"])
async def test_an_empty_first_answer_is_one(slug: str, tmp_path: Path) -> None:
    async with staged(slug, "*321*9#", tmp_path) as stage:
        phone = stage.phone("+254712000111", gateway=slug, code="*321*9#")
        await phone.dial()
        assert (await phone.reply("")).startswith("Last?")
        assert (await phone.again()).startswith("Last?")
        assert await phone.reply("") == "() ()"


@pytest.mark.parametrize("slug", ["safaricom", "advanta"])
async def test_two_extensions_of_a_shared_code_are_two_sessions(slug: str, tmp_path: Path) -> None:
    async with staged(slug, "*321*9#,*321*8#", tmp_path) as stage:
        phones: list[Phone] = [
            stage.phone("+254712000111", gateway=slug, code=code) for code in ("*321*9#", "*321*8#")
        ]
        for phone in phones:
            assert await phone.dial() == "First?"
        for phone, name in zip(phones, ("Asha", "Binta"), strict=True):
            await phone.reply(name)
        assert [await phone.reply("X") for phone in phones] == ["(Asha) (X)", "(Binta) (X)"]


@pytest.mark.parametrize("slug", ["safaricom", "advanta"])
async def test_a_dedicated_code_without_its_setting_is_told_at_the_first_dial(
    slug: str, tmp_path: Path
) -> None:
    async with Stage(App(flows, entry="names", members=False), load({}, tmp_path, gateways=SLUGS)) as stage:
        with pytest.raises(AssertionError, match=f"set KIKAO_USSD_{slug.upper()}_CODE to it"):
            await stage.phone("+254712000111", gateway=slug, code="*321#").dial()


# --- special characters ---


def test_crossgate_shows_nothing_that_telcos_break_on() -> None:
    screen = Screen(
        ("Habari José – [karibu] €5",), (Option("1", "Ŋŋoma|Ngoma", 1), Option("0", "Rudi ✓", "back"))
    )
    assert Crossgate().pages(screen, str) == ["Habari Jose - (karibu) EUR5\n1 Ng'ng'oma/Ngoma\n0 Rudi "]


def test_crossgate_pages_are_counted_as_they_are_shown() -> None:
    pages = Crossgate().pages(Screen(("ŋ" * 400,)), str)
    assert "".join(pages).replace("\n", "") == "ng'" * 400
    assert max(len(page) for page in pages) <= Crossgate().budget.septets


@pytest.mark.parametrize("slug", ["safaricom", "advanta"])
async def test_a_code_and_its_own_extension_keep_a_server_from_starting(slug: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"\*167# and \*167\*7# cannot both be served over") as refused:
        async with staged(slug, "*167*7#,*16#,*167#,*167*70#", tmp_path / "both"):
            pass
    assert len(refused.value.problems) == 2
    assert all(f"KIKAO_USSD_{slug.upper()}_CODE" in problem for problem in refused.value.problems)
    async with staged(slug, "*167*7#,*16#,*167*70#", tmp_path / "one") as stage:
        assert await stage.phone(gateway=slug, code="*167*7#").dial() == "First?"
