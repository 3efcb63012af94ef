"""The wallet's conversations: register, menu, balance, send money."""

from __future__ import annotations

import unicodedata
from typing import Final

from kikao.conversation import Chat, Flows, Invalid, Money, Phone, Pin, RefusedError, Text
from kikao.i18n import Amount, Message, t
from kikao.i18n.gsm7 import GSM7, normalise
from kikao_apps.wallet.bank import CURRENCIES, Account, Balance, Bank, Receipt
from kikao_apps.wallet.tariff import TARIFFS

flows = Flows()

LOCKED = t("Your account is locked. Please contact us.")

NAME: Final = Text(
    min=2,
    max=40,
    pattern=r"(?!(\D*\d){4})[^\W_]([^\W_]|[\u0300-\u036f .'’-])*",
    hint=t("Enter a name of letters."),
)
"""A name that others see on a confirmation must not look like a part of it: no number, no sentence."""


@flows.flow("wallet", title=t("Wallet"))
async def wallet(chat: Chat) -> None:
    """The entry: members see the menu, others register first."""
    bank = chat.service(Bank)
    account = await chat.read("account", lambda: bank.account(chat.member.msisdn))
    if account is None:
        account = await chat.call(register)
    if account.locked:
        await chat.end(LOCKED)
    await chat.menu("menu", t("Hello {name}. Choose an option.", name=account.name), [send, balance])


@flows.flow("register", title=t("Register"))
async def register(chat: Chat) -> Account:
    """Name, currency, and a PIN entered twice; the bank compares them, nothing here ever sees them."""
    bank, member = chat.service(Bank), chat.member
    await chat.say(t("Welcome to kikao wallet."))
    name = await chat.ask("name", NAME, t("Enter your name to register"))
    currency = await chat.choose("currency", t("Choose your currency"), CURRENCIES)
    while True:
        await chat.secret(
            "pin",
            Pin(),
            t("Choose a 4-digit PIN"),
            use=lambda pin, key: bank.propose_pin(member.msisdn, pin, key=key),
            check=bank.find,
        )
        try:
            account: Account = await chat.secret(
                "again",
                Pin(),
                t("Enter the PIN again"),
                use=lambda pin, key: bank.open_account(member.msisdn, name, currency, pin, key=key),
                check=bank.find,
                done=t("Your account is open."),
            )
        except RefusedError as refused:
            await chat.say(refused.text)
        else:
            await chat.say(t("Your account is open."))
            return account


@flows.flow("balance", title=t("Balance"))
async def balance(chat: Chat) -> None:
    """What the account holds, for its PIN."""
    bank = chat.service(Bank)
    held: Balance = await chat.secret(
        "pin",
        Pin(),
        t("Enter PIN"),
        use=lambda pin, key: bank.balance(chat.member.msisdn, pin, key=key),
        check=bank.find,
    )
    await chat.end(t("Your balance is {amount}.", amount=held.amount))


@flows.flow("send", title=t("Send money"))
async def send(chat: Chat) -> None:
    """Recipient, amount, fee, confirmation, PIN, and the receipt with its reference."""
    bank, member = chat.service(Bank), chat.member
    account = await chat.read("account", lambda: bank.account(member.msisdn))
    if account is None:
        await chat.end(t("Please register first."))

    async def can_receive(to: str) -> None:
        if to == member.msisdn:
            raise Invalid(t("This is your own number. Enter the recipient's number."))
        found = await bank.account(to)
        if found is not None and found.currency != account.currency:
            raise Invalid(t("This number receives {currency} only. Enter another.", currency=found.currency))

    tariff = TARIFFS[account.currency]
    to = await chat.ask("to", Phone(), t("Recipient's phone number"), validate=can_receive)
    amount: Amount = await chat.ask(
        "amount", Money(account.currency, min=tariff.least, max=tariff.most), t("Amount")
    )
    fee = await chat.read("fee", lambda: bank.fee(amount))
    recipient = await chat.read("recipient", lambda: bank.account(to))
    name = plain(recipient.name) if recipient else None
    if name is None:
        summary = t("Send {amount} to {to}? Fee {fee}", amount=amount, to=to, fee=fee)
    else:
        summary = t("Send {amount} to {name}, {to}? Fee {fee}", amount=amount, name=name, to=to, fee=fee)
    await chat.confirm("ok", summary)
    receipt: Receipt = await chat.secret(
        "pin",
        Pin(),
        t("Enter PIN"),
        use=lambda pin, key: bank.transfer(member.msisdn, to, amount, pin=pin, key=key),
        check=bank.find,
        done=sent,
    )
    await chat.end(
        t("{sent} Your balance is {balance}.", sent=sent(receipt), balance=receipt.balance),
    )


def sent(receipt: Receipt) -> Message:
    """What a member is told of a transfer, at once or at the next dial."""
    return t("You sent {amount} to {to}. Ref {ref}.", amount=receipt.amount, to=receipt.to, ref=receipt.ref)


def plain(name: str) -> str | None:
    """A name in the letters of GSM-7, without accents that it lacks; None where they do not write it.

    One other letter would halve a confirmation's room, and a confirmation is never cut.
    """
    letters = (
        letter if letter in GSM7 else unicodedata.normalize("NFKD", letter)[0] for letter in normalise(name)
    )
    written = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return written if GSM7.issuperset(written) else None
