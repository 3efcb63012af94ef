"""A phone shows what a member reads, whatever gateway lies in between."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs

import pytest

from kikao.channels.ussd.clients import CLIENTS, Exchange
from kikao.channels.ussd.registry import SLUGS
from kikao.config import load
from kikao.testing import DROPPED, Phone, Stage
from tests.talk import whats
from tests.testing.shop import CONTINUE, HOW_MANY, PIN, WRONG, MemoryTill, Till, an_app

every_gateway = pytest.mark.parametrize("gateway", CLIENTS)


def test_every_gateway_has_a_phone() -> None:
    assert set(CLIENTS) == set(SLUGS)


@every_gateway
async def test_a_conversation(gateway: str) -> None:
    async with Stage(an_app()) as stage:
        asha = stage.phone("+256772000001", gateway=gateway, code="*284#")

        assert await asha.dial() == HOW_MANY
        assert await asha.reply("3") == "Enter PIN\n0 Back\n00 Home"
        assert await asha.reply(PIN) == "3 cups sold. Ref S1" == asha.screen
        assert asha.ended


@every_gateway
async def test_several_answers_in_a_row(gateway: str) -> None:
    async with Stage(an_app()) as stage:
        asha = stage.phone(gateway=gateway)
        await asha.dial()

        assert await asha.reply("0", "3", WRONG, WRONG, PIN) == "3 cups sold. Ref S1"


@every_gateway
async def test_two_phones_in_one_town(gateway: str) -> None:
    async with Stage(an_app()) as stage:
        asha, binta = (
            stage.phone("+256772000001", gateway=gateway),
            stage.phone("+256772000002", gateway=gateway),
        )
        await asha.dial()
        await asha.reply("3")
        await binta.dial()

        assert await binta.reply("4", PIN) == "4 cups sold. Ref S1"
        assert await asha.reply(PIN) == "3 cups sold. Ref S2"


@every_gateway
async def test_a_member_who_hangs_up_goes_on_later(gateway: str) -> None:
    async with Stage(an_app()) as stage:
        asha = stage.phone(gateway=gateway)
        await asha.dial()
        screen = await asha.reply("3")

        assert await asha.hang_up() == screen
        assert asha.ended
        assert await asha.dial() == CONTINUE
        assert await asha.reply("1") == HOW_MANY


@every_gateway
async def test_a_redelivered_request_gets_the_same_bytes(gateway: str) -> None:
    till = MemoryTill()
    async with Stage(an_app(till)) as stage:
        asha = stage.phone(gateway=gateway)
        await asha.dial()
        await asha.reply("3", PIN)
        first = asha.raw

        assert await asha.again() == "3 cups sold. Ref S1"
        assert asha.raw == first
        assert len(till.sales) == 1


@every_gateway
async def test_an_answer_after_the_end_shows_the_last_screen(gateway: str) -> None:
    async with Stage(an_app()) as stage:
        asha = stage.phone(gateway=gateway)
        await asha.dial()

        with pytest.raises(AssertionError, match=r"answer 3 of 3.*3 cups sold\. Ref S1"):
            await asha.reply("3", PIN, "1")


async def test_an_answer_before_the_first_dial() -> None:
    async with Stage(an_app()) as stage:
        with pytest.raises(AssertionError, match="no dialogue"):
            await stage.phone().reply("1")


async def test_a_long_dial() -> None:
    async with Stage(an_app()) as stage:
        assert await stage.phone().dial("3") == "Enter PIN\n0 Back\n00 Home"


async def test_no_two_dials_share_a_dialogue() -> None:
    sent: list[bytes] = []

    async def send(exchange: Exchange) -> tuple[int, bytes]:
        sent.append(exchange.body)
        return 200, b"CON Hello"

    phones = [Phone(send), Phone(send), Phone(send, "+256772000002")]
    for phone in phones * 2:
        await phone.dial()

    assert len({parse_qs(body.decode())["sessionId"][0] for body in sent}) == 6


async def test_a_hang_up_is_told_of_once() -> None:
    async with Stage(an_app()) as stage:
        asha = stage.phone()
        await asha.hang_up()
        await asha.dial()
        await asha.reply("3")
        await asha.hang_up()
        await asha.hang_up()

        assert whats(stage.events) == ["asked", "asked", "closed"]


async def test_a_refused_request_fails_the_test() -> None:
    async def send(exchange: Exchange) -> tuple[int, bytes]:
        return 404, b"not found\n"

    with pytest.raises(AssertionError, match="africastalking: HTTP 404 not found"):
        await Phone(send).dial()


async def test_no_reply_at_all() -> None:
    async def send(exchange: Exchange) -> tuple[int, bytes]:
        raise ConnectionResetError

    phone = Phone(send)

    assert await phone.dial() == DROPPED
    assert phone.raw is None
    assert phone.ended


def test_a_gateway_nobody_speaks() -> None:
    async def send(exchange: Exchange) -> tuple[int, bytes]:
        raise NotImplementedError

    with pytest.raises(LookupError, match=r"'smoke'.*africastalking"):
        Phone(send, gateway="smoke")


async def test_the_path_token_of_the_settings_is_used(tmp_path: Path) -> None:
    settings = load({"KIKAO_USSD_AFRICASTALKING_TOKEN": "a-token-of-20-letters"}, tmp_path)
    async with Stage(an_app(), settings, services={Till: MemoryTill()}) as stage:
        assert await stage.phone().dial() == HOW_MANY
