"""Asha sends money to Binta over a bad line, whatever her gateway: what is shown, and what happens on each."""

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


async def member(town: Town, number: str, name: str, gateway: str) -> Phone:
    """A phone on a gateway whose owner has registered, and whose dialogue is over."""
    phone = town.phone(number, gateway=gateway)
    assert MENU in await register(phone, name, PIN)
    await phone.hang_up()
    town.clock.advance(700)
    return phone


async def two_members(town: Town, gateway: str) -> tuple[Phone, Phone]:
    """Asha and Binta, both registered."""
    return await member(town, ASHA, "Asha", gateway), await member(town, BINTA, "Binta", gateway)


async def to_the_amount(phone: Phone) -> None:
    """From the dial, though the start comes twice and an answer comes late."""
    assert MENU in await phone.dial()
    assert MENU in await phone.again(), "the start comes twice"
    await phone.reply("1", BINTA)
    assert phone.screen.startswith(AMOUNT)
    late = phone.later("777")
    await phone.drop()
    assert await phone.dial() == CONTINUE
    assert (await late.arrives()).startswith(CONTINUE), "of the dialogue before: no answer"
    assert (await phone.reply("1")).startswith(AMOUNT)


async def to_the_commit(town: Town, phone: Phone) -> None:
    """From the question before the PIN, though the line breaks; then the server dies with the payment made."""
    await phone.hang_up()
    assert await phone.dial() == CONTINUE
    assert (await phone.reply("1")).startswith(AMOUNT), "never straight to a PIN"
    await phone.reply("5000", "1")
    town.crash_at("commit", before=False)
    assert await phone.reply(PIN) == DROPPED
    await town.restart()
