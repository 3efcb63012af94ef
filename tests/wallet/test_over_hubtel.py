"""The wallet over Hubtel, on the worst day of its line: each request is lost, late, crossed or sent again somewhere."""

from __future__ import annotations

from kikao.testing import DROPPED, Phone
from tests.http.phones import register
from tests.wallet.ledgers import ASHA, BINTA
from tests.wallet.town import MENU, PIN, Town

CONTINUE = "Continue where you stopped?\n1 Continue\n2 Start again"
AMOUNT = "Enter the amount (UGX)"
SURE = "Send UGX 5,000 to Binta, +256700000002? Fee UGX 100\n1 Confirm"
ENTER = "Enter your PIN"
SENT = "You sent UGX 5,000 to +256700000002."
LATER = "Request received."


async def member(town: Town, number: str, name: str) -> Phone:
    """A phone on this gateway whose owner has registered, and whose dialogue is over."""
    phone = town.phone(number, gateway="hubtel")
    assert MENU in await register(phone, name, PIN)
    await phone.hang_up()
    town.clock.advance(700)
    return phone


async def test_a_payment_is_made_once_and_every_answer_is_heard_once() -> None:
    async with Town() as town:
        asha, _ = await member(town, ASHA, "Asha"), await member(town, BINTA, "Binta")
        assert MENU in await asha.dial()
        assert MENU in await asha.again(), "the start comes twice"
        await asha.reply("1", BINTA)
        assert asha.screen.startswith(AMOUNT)
        late = asha.later("777")
        await asha.drop()
        assert await asha.dial() == CONTINUE
        assert (await late.arrives()).startswith(CONTINUE), "of the dialogue before: no answer"
        assert (await asha.reply("1")).startswith(AMOUNT)
        assert (await asha.reply("5000")).startswith(SURE)
        assert (await asha.again(1)).startswith(AMOUNT), "one before comes again, and gets the reply of then"
        assert (await asha.again()).startswith(SURE)
        assert (await asha.reply("1")).startswith(ENTER)

        await asha.hang_up()
        assert await asha.dial() == CONTINUE
        assert (await asha.reply("1")).startswith(AMOUNT), "never straight to a PIN"
        await asha.reply("5000", "1")
        town.crash_at("commit", before=False)
        assert await asha.reply(PIN) == DROPPED
        await town.restart()
        assert (await asha.again()).startswith(SENT), (
            "the provider asks once more, and its member reads what happened"
        )
        assert await town.payments() == 1

        paid = asha.raw
        await asha.again()
        assert asha.raw == paid
        town.clock.advance(30)
        await asha.dial()
        crossed = await asha.crossed("1", "1")
        assert all(each.startswith("Enter the recipient") or "mobile number" in each for each in crossed)
        assert await town.payments() == 1
        assert not await town.holds(PIN)


async def test_a_bank_that_is_slow_is_answered_for_at_the_next_dial() -> None:
    async with Town() as town:
        asha, _ = await member(town, ASHA, "Asha"), await member(town, BINTA, "Binta")
        await asha.dial(f"1*{BINTA[1:]}*5000")
        assert asha.screen.startswith(SURE)
        await asha.reply("1")
        bank = town.service_called("bank")
        bank.slow("transfer")
        assert (await asha.reply(PIN)).startswith(LATER)
        assert asha.ended
        assert (await asha.again()).startswith(LATER), "the same bytes"
        bank.well()
        await town.settle()
        assert SENT in await asha.dial()
        assert await town.payments() == 1
