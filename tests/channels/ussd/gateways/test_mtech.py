"""Mtech: answers that do not say whose they are."""

from __future__ import annotations

from kikao.channels.line import Posted, through
from tests.channels.ussd.names import asks_names


async def test_an_answer_finds_its_member_by_the_page_before_also_in_another_process() -> None:
    async with asks_names() as stage:
        ama, kofi = (stage.phone(number, gateway="mtech") for number in ("+2348085832481", "+254722000001"))
        for phone in (ama, kofi):
            await phone.dial()
        assert (await ama.reply("Ama")).startswith("Last?")
        await stage.restart()
        assert (await kofi.reply("Kofi")).startswith("Last?")
        assert b"mobile_number" not in kofi.exchange.body
        assert [await phone.reply("x") for phone in (ama, kofi)] == ["Ama x", "Kofi x"]


async def test_page_0_without_a_number_is_refused_and_harms_nobody() -> None:
    async with asks_names() as stage:
        phone = stage.phone("+2348085832481", gateway="mtech")
        await phone.dial()
        body = b"<page><session_id>d</session_id><page_id>0</page_id><data>Ama</data></page>"
        reply = await through(stage.server)(Posted("/ussd/mtech", (), body, "127.0.0.1"))
        assert reply.status == 400
        assert b"field mobile_number is missing" in reply.body
        assert (await phone.reply("Ama")).startswith("Last?")
