"""AAT and Channel Mobile: the URL of a page tells an answer from a dial."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from kikao import App, Chat, Flows, Text
from kikao.channels.ussd.clients.client import Exchange
from kikao.channels.ussd.registry import OPTIONS
from kikao.config import SettingsError, load
from kikao.testing import Phone, Stage

SLUGS = ("aat_vodacom", "channel_mobile")
CODES = ("*120*666#", "*120*667#")

flows = Flows()


@flows.flow("names")
async def names(chat: Chat) -> None:
    """Two questions that take anything."""
    first = await chat.ask("first", Text(min=0, literal=True), "First?")
    last = await chat.ask("last", Text(min=0, literal=True), "Last?")
    await chat.end(f"({first}) ({last})")


def staged(slug: str, folder: Path, codes: str = "*120*666#") -> Stage:
    own = {"CALLBACK": f"https://ussd.example.org/ussd/{slug}", "CODE": codes}
    environment = {f"KIKAO_USSD_{slug.upper()}_{name}": value for name, value in own.items()}
    return Stage(App(flows, entry="names", members=False), load(environment, folder, gateways=OPTIONS))


def lost(exchange: Exchange) -> Exchange:
    """A request whose URL came without the query that the page wrote."""
    return replace(exchange, query=exchange.query.partition("&")[2])


@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.parametrize("typed", ["*120*666#", "*120*667*1#", "#", "", "0 & ŋ", "to_addr=1"])
async def test_what_comes_to_the_callback_is_an_answer_whatever_was_typed(
    slug: str, typed: str, tmp_path: Path
) -> None:
    async with staged(slug, tmp_path) as stage:
        phone = stage.phone("+27821234567", gateway=slug, code="*120*666#")
        assert await phone.dial() == "First?"
        await phone.reply("Ama")
        assert await phone.reply(typed) == f"(Ama) ({typed})"


@pytest.mark.parametrize("slug", SLUGS)
async def test_each_code_has_a_session_of_its_own(slug: str, tmp_path: Path) -> None:
    async with staged(slug, tmp_path, ",".join(CODES)) as stage:
        phones = [stage.phone("+27821234567", gateway=slug, code=code) for code in CODES]
        for phone, name in zip(phones, ("Ama", "Kofi"), strict=True):
            assert await phone.dial() == "First?"
            assert await phone.reply(name) == "Last?"
        assert [await phone.reply("x") for phone in phones] == ["(Ama) (x)", "(Kofi) (x)"]
        assert "to_addr=%2A120%2A667%23" in phones[1].exchange.query


@pytest.mark.parametrize("slug", SLUGS)
async def test_a_lost_query_costs_nothing_where_the_settings_know_the_code(slug: str, tmp_path: Path) -> None:
    async with staged(slug, tmp_path) as stage:
        phone = stage.phone("+27821234567", gateway=slug, code="*120*666#")
        await phone.dial()
        assert await answer(phone, "Ama") == "Last?"
        assert await answer(phone, "1") == "(Ama) (1)"


async def answer(phone: Phone, text: str) -> str:
    return await phone.send(lost(phone.client.answer(text)))


@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.parametrize(
    "value",
    [
        "ussd.example.org/ussd",
        "ftp://ussd.example.org/",
        "https:///ussd",
        "https://ussd.example.org/ussd?a=1",
        "https://ussd.example.org/ussd#a",
        "https://ussd.example.org/a b",
        "https://[ussd/",
    ],
)
def test_a_callback_that_no_query_can_follow_is_refused(slug: str, value: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="must be an http or https URL without a query"):
        load({f"KIKAO_USSD_{slug.upper()}_CALLBACK": value}, tmp_path, gateways=OPTIONS)


@pytest.mark.parametrize("slug", SLUGS)
def test_without_its_callback_it_does_not_start(slug: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=f"KIKAO_USSD_{slug.upper()}_CALLBACK: missing"):
        load({f"KIKAO_USSD_{slug.upper()}_CODE": "*1#"}, tmp_path, gateways=OPTIONS)
