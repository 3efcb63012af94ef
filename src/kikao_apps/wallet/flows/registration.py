"""Opening an account: name, currency, and a PIN entered twice, which the bank compares."""

from __future__ import annotations

from typing import Final

from kikao.conversation import Chat, ErrorCode, Flows, Invalid, RefusedError, Text
from kikao.conversation.inputs import Given
from kikao.conversation.screens import Option
from kikao.i18n import t
from kikao_apps.wallet.bank import CURRENCIES, Account
from kikao_apps.wallet.flows.believed import NOTHING, bank_of
from kikao_apps.wallet.flows.pin import with_pin

flows = Flows()

HINT: Final = t("Enter a name of letters.")


class Name(Text):
    """A member's name, which others see on a confirmation: it must not look like a part of one.

    So there is no digit in it, in no script and in no form that is shown as one (`²`, `②`), and no question.
    """

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(min=2, max=40, pattern=r"[^\W\d_]([^\W\d_]|[\u0300-\u036f .'’-])*", hint=HINT)

    def parse(self, given: Given, options: tuple[Option, ...]) -> str:
        """The name typed."""
        name = super().parse(given, options)
        if any(character.isnumeric() and not character.isalpha() for character in name):
            raise Invalid(HINT)
        return name


NAME: Final = Name()

OPEN: Final = t("Your account is open.")


@flows.flow("register", title=t("Register"))
async def register(chat: Chat) -> Account:
    """Name, currency, and a PIN entered twice. Someone who turns out to have an account goes to the menu."""
    bank, msisdn = bank_of(chat), chat.member.msisdn
    await chat.say(t("Welcome to kikao wallet."))
    name = await chat.ask("name", NAME, t("Enter your name to register"))
    currency = await chat.choose("currency", t("Choose your currency"), CURRENCIES)
    while True:
        try:
            await with_pin(
                chat,
                "pin",
                t("Choose a 4-digit PIN"),
                lambda pin, key: bank.propose_pin(msisdn, pin, key=key),
                NOTHING,
            )
        except RefusedError as refused:
            if refused.code is not ErrorCode.REJECTED:
                raise
            await chat.say(refused.text)
            await chat.goto("wallet")
        try:
            account: Account = await with_pin(
                chat,
                "again",
                t("Enter the PIN again"),
                lambda pin, key: bank.open_account(msisdn, name, currency, pin, key=key),
                Account,
                done=OPEN,
            )
        except RefusedError as refused:
            if refused.code is not ErrorCode.REJECTED:
                raise
            await chat.say(refused.text)
        else:
            await chat.say(OPEN)
            return account
