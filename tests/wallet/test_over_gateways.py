"""The wallet on the worst day of a line, over one gateway of each way of telling: requests are lost, late, crossed or
sent again, the bank is slow, and the server dies. Where all that was typed comes again it is `test_kin`; where screens
are calls, `test_over_ideamart`; and on a connection, the tests of SMPP."""

from __future__ import annotations

import pytest

from kikao.channels.ussd.registry import kind
from kikao.testing import Phone
from tests.gateways import EACH_WAY
from tests.wallet.ledgers import ASHA, BINTA
from tests.wallet.sending import (
    AMOUNT,
    CONTINUE,
    ENTER,
    LATER,
    SENT,
    SURE,
    member,
    to_the_amount,
    to_the_commit,
    two_members,
)
from tests.wallet.town import MENU, PIN, Town

HERE = [slug for slug in EACH_WAY if slug not in ("africastalking", "ideamart", "smpp")]

everywhere = pytest.mark.parametrize("gateway", HERE)
with_ids = pytest.mark.parametrize("gateway", [slug for slug in HERE if slug != "imimobile"])
"""Without one nothing tells what comes late from an answer."""

by_id = pytest.mark.parametrize("gateway", ["oltranz", "dmark"])
"""An id that is not known begins a dialogue."""


async def to_the_pin(phone: Phone) -> None:
    await phone.reply("1", BINTA, "5000", "1")
    assert phone.screen.startswith(ENTER)


@with_ids
async def test_a_payment_is_made_once_whatever_is_lost_late_or_sent_again(gateway: str) -> None:
    async with Town() as town:
        asha, _ = await two_members(town, gateway)
        await to_the_amount(asha)
        assert (await asha.reply("5000")).startswith(SURE)
        if kind(gateway).dedupe == "exact":
            assert (await asha.again(1)).startswith(AMOUNT), "one before comes again: the reply of then"
        assert (await asha.again()).startswith(SURE)
        assert (await asha.reply("1")).startswith(ENTER)

        await to_the_commit(town, asha)
        assert (await asha.again()).startswith(SENT), "asked once more, its member reads what happened"
        assert await town.payments() == 1

        paid = asha.raw
        await asha.again()
        assert asha.raw == paid
        town.clock.advance(30)
        assert await asha.dial() != CONTINUE
        crossed = await asha.crossed("1", "1")
        assert all("recipient" in each or "mobile number" in each for each in crossed)
        assert await town.payments() == 1
        assert not await town.holds(PIN)


@with_ids
async def test_a_pin_that_arrives_in_the_next_dialogue_pays_nothing(gateway: str) -> None:
    async with Town() as town:
        asha, _ = await two_members(town, gateway)
        await asha.dial()
        await to_the_pin(asha)
        pin = asha.later(PIN)
        await asha.drop()
        town.clock.advance(5)
        assert await asha.dial() == CONTINUE
        assert (await pin.arrives()).startswith(CONTINUE)
        assert (await asha.reply("1")).startswith(AMOUNT)
        assert (await asha.reply("5000")).startswith(SURE)
        assert (await asha.reply("1")).startswith(ENTER)
        assert (await asha.reply(PIN)).startswith(SENT)
        assert await town.payments() == 1
        assert not await town.holds(PIN)


@everywhere
async def test_a_bank_that_is_slow_is_answered_for_at_the_next_dial(gateway: str) -> None:
    async with Town() as town:
        asha, _ = await two_members(town, gateway)
        await asha.dial()
        await to_the_pin(asha)
        bank = town.service_called("bank")
        bank.slow("transfer")
        assert (await asha.reply(PIN)).startswith(LATER)
        assert asha.ended
        assert (await asha.again()).startswith(LATER), "the same bytes"
        bank.well()
        await town.settle()
        town.clock.advance(5)
        assert SENT in await asha.dial()
        assert await town.payments() == 1


@pytest.mark.parametrize("gateway", ["oltranz", "imimobile"])
async def test_members_on_two_phones_do_not_meet(gateway: str) -> None:
    async with Town() as town:
        asha, binta = await two_members(town, gateway)
        await asha.dial()
        await binta.dial()
        await asha.reply("1", BINTA)
        await binta.reply("1", ASHA)
        assert asha.screen.startswith(AMOUNT)
        await binta.reply("700", "1", PIN)
        await asha.reply("5000", "1")
        assert (await asha.reply(PIN)).startswith(SENT)
        assert await town.payments() == 2


@by_id
async def test_an_id_that_changes_at_the_pin_costs_a_screen_and_no_money(gateway: str) -> None:
    async with Town() as town:
        asha, _ = await two_members(town, gateway)
        await asha.dial()
        await to_the_pin(asha)
        asha.client.dialogue = "another"
        assert await asha.reply(PIN) == CONTINUE, "whose PIN that is, and of which dialogue, nobody knows"
        assert await town.payments() == 0
        assert (await asha.reply("1")).startswith(AMOUNT)
        await asha.reply("5000", "1")
        assert (await asha.reply(PIN)).startswith(SENT)
        assert await town.payments() == 1
        assert not await town.holds(PIN)


@by_id
async def test_an_id_that_changes_with_every_request_never_answers_anything(gateway: str) -> None:
    async with Town() as town:
        asha = await member(town, ASHA, "Asha", gateway)
        await asha.dial()
        for place in range(8):
            asha.client.dialogue = f"d{place}"
            await asha.reply("1")
            assert MENU in asha.screen or asha.screen == CONTINUE


@pytest.mark.parametrize("gateway", ["oltranz", "paytota"])
async def test_a_long_dial_comes_to_the_confirmation_and_no_further(gateway: str) -> None:
    async with Town() as town:
        asha, _ = await two_members(town, gateway)
        assert (await asha.dial(f"1*{BINTA[1:]}*5000*1*{PIN}")).startswith(SURE)
        assert await town.payments() == 0
        await asha.reply("1")
        assert (await asha.reply(PIN)).startswith(SENT)
        assert not await town.holds(PIN)


async def test_a_start_that_comes_again_minutes_later_moves_nothing() -> None:
    async with Town() as town:
        asha, _ = await two_members(town, "infobip")
        await asha.dial()
        start = asha.exchange
        await asha.reply("1", BINTA, "5000")
        for _ in range(3):
            town.clock.advance(60)
            assert (await asha.send(start)).startswith(SURE)
        assert (await asha.reply("1")).startswith(ENTER)
        assert ENTER in await asha.send(start)
        assert (await asha.reply(PIN)).startswith(SENT)
        assert await town.payments() == 1
