"""Sending money: recipient, amount, fee, confirmation, PIN, and the receipt with its reference."""

from __future__ import annotations

from typing import Final

from kikao.conversation import Chat, Flows, Invalid, Money, Phone
from kikao.i18n import Amount, Message, t
from kikao_apps.wallet.bank import Receipt
from kikao_apps.wallet.flows.believed import bank_of
from kikao_apps.wallet.flows.names import plain
from kikao_apps.wallet.flows.pin import ENTER, too_late, with_pin
from kikao_apps.wallet.tariff import TARIFFS

flows = Flows()

LAST: Final = "last receipt"
"""The name under which the session keeps what was sent, for a member whose receipt was lost on the air."""

COUNTRIES: Final = {"+250": "RW", "+254": "KE", "+255": "TZ", "+256": "UG"}
"""Countries (ISO 3166) by their calling code."""


@flows.flow("send", title=t("Send money"))
async def send(chat: Chat) -> None:
    """What a member confirms is whole on one screen; what happened is told with the bank's reference."""
    bank, msisdn = bank_of(chat), chat.member.msisdn
    account = await chat.read("account", lambda: bank.account(msisdn))
    if account is None:
        await chat.end(t("Please register first."))

    async def can_receive(to: str) -> None:
        if to == msisdn:
            raise Invalid(t("This is your own number."))
        found = await bank.account(to)
        if found is not None and found.currency != account.currency:
            raise Invalid(t("This number receives {currency} only.", currency=found.currency))

    tariff = TARIFFS[account.currency]
    to = await chat.ask(
        "to", Phone(country(msisdn)), t("Enter the recipient's phone number"), validate=can_receive
    )
    amount: Amount = await chat.ask(
        "amount",
        Money(account.currency, min=tariff.least, max=tariff.most),
        t("Enter the amount ({currency})", currency=account.currency),
    )
    fee = await chat.read("fee", lambda: bank.fee(amount))
    recipient = await chat.read("recipient", lambda: bank.account(to))
    await chat.confirm("ok", summary(amount, fee, to, recipient.name if recipient else None))
    asked = await chat.now()
    receipt: Receipt = await with_pin(
        chat,
        "pin",
        ENTER,
        lambda pin, key: bank.transfer(msisdn, to, amount, pin=pin, key=key),
        Receipt,
        done=sent,
    )
    await chat.session.set(LAST, receipt)
    if await too_late(chat, asked):
        await chat.end(sent(receipt))
    await chat.end(t("{sent} Your balance is {balance}.", sent=sent(receipt), balance=receipt.balance))


async def tell_last_receipt(chat: Chat) -> bool:
    """Tell once, with the next question, what was sent in this session: its last screen may not have arrived.

    Without it a member who sees only the menu may well send the money again. False when there is nothing to tell.
    """
    receipt: Receipt | None = await chat.session.get(LAST)
    if receipt is not None:
        await chat.session.delete(LAST)
        await chat.say(t("Your last transfer: {sent}", sent=sent(receipt)))
    return receipt is not None


def country(msisdn: str) -> str:
    """Where a member types numbers without a country code."""
    return COUNTRIES.get(msisdn[:4], "UG")


def summary(amount: Amount, fee: Amount, to: str, name: str | None) -> Message:
    """What a member confirms; `name` is None for a number that has no account."""
    cost = t("Fee {fee}", fee=fee) if fee.minor else t("No fee")
    if name is None:
        return t("Send {amount} to {to}, who is not registered yet? {cost}", amount=amount, to=to, cost=cost)
    if (written := plain(name)) is None:
        return t("Send {amount} to {to}? {cost}", amount=amount, to=to, cost=cost)
    return t("Send {amount} to {name}, {to}? {cost}", amount=amount, name=written, to=to, cost=cost)


def sent(receipt: Receipt) -> Message:
    """What a member is told of a transfer, at once or at the next dial."""
    if not receipt.to:  # who left since
        return t("You sent {amount}. Ref {ref}.", amount=receipt.amount, ref=receipt.ref)
    return t("You sent {amount} to {to}. Ref {ref}.", amount=receipt.amount, to=receipt.to, ref=receipt.ref)
