"""The wallet over Ideamart, whose screens are calls: lost lines, copies, what comes late, a provider that fails, a
server that dies; and over MTN MADAPI, OneAPI and bdapps on a good day."""

from __future__ import annotations

import pytest

from kikao.testing import DROPPED
from tests.wallet.ledgers import BINTA
from tests.wallet.sending import ENTER, LATER, SENT, SURE, to_the_amount, to_the_commit, two_members
from tests.wallet.town import PIN, Town


def shown(town: Town, words: str) -> int:
    """How often a member was shown a screen that begins so."""
    return sum(heard.shown.text.startswith(words) for heard in town.provider.heard)


async def test_a_payment_is_made_once_and_its_receipt_is_shown_once() -> None:
    async with Town() as town:
        asha, _ = await two_members(town, "ideamart")
        await to_the_amount(asha)

        town.provider.fails(2)
        assert await asha.reply("5000") == DROPPED
        for _ in range(2):
            town.clock.advance(1.0)
            await asha.listen()
        assert asha.screen.startswith(SURE)
        assert (await asha.reply("1")).startswith(ENTER)

        await to_the_commit(town, asha)
        assert (await asha.listen()).startswith(SENT), "the next process shows what is stored"
        assert asha.ended
        assert (await asha.again()).startswith(SENT)
        assert (await town.payments(), shown(town, SENT)) == (1, 1)
        assert town.provider.refused == []
        assert not await town.holds(PIN)


async def test_a_receipt_that_cannot_be_shown_is_told_nowhere_else_and_never_late() -> None:
    """The member dials again and sees what happened; the screen of the dead dialogue is gone by then."""
    async with Town() as town:
        asha, _ = await two_members(town, "ideamart")
        await asha.dial()
        await asha.reply("1", BINTA, "5000", "1")
        town.provider.fails(1000)
        assert await asha.reply(PIN) == DROPPED
        for _ in range(25):
            town.clock.advance(1.0)
            await town.push()
        town.provider.recovers()
        await town.push()
        assert shown(town, SENT) == 0
        await asha.dial()
        assert asha.screen != DROPPED
        assert await town.payments() == 1
        assert not await town.holds(PIN)


async def test_a_bank_that_is_slow_is_answered_for_at_the_next_dial() -> None:
    async with Town() as town:
        asha, _ = await two_members(town, "ideamart")
        await asha.dial()
        await asha.reply("1", BINTA, "5000", "1")
        bank = town.service_called("bank")
        bank.slow("transfer")
        assert (await asha.reply(PIN)).startswith(LATER)
        assert asha.ended
        bank.well()
        await town.settle()
        assert SENT in await asha.dial()
        assert (await town.payments(), shown(town, LATER)) == (1, 1)


@pytest.mark.parametrize("gateway", ["mtn_madapi", "oneapi", "bdapps"])
async def test_a_payment_elsewhere(gateway: str) -> None:
    async with Town() as town:
        asha, _ = await two_members(town, gateway)
        await asha.dial()
        await asha.reply("1", BINTA, "5000", "1")
        assert (await asha.reply(PIN)).startswith(SENT)
        assert (await asha.again()).startswith(SENT)
        assert await town.payments() == 1
