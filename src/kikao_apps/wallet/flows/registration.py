"""Opening an account: name, currency, and a PIN entered twice, which the bank compares."""

from __future__ import annotations

from typing import Final

from kikao.conversation import Chat, ErrorCode, Flows, RefusedError
from kikao.i18n import t
from kikao_apps.wallet.bank import CURRENCIES, Account
from kikao_apps.wallet.flows.believed import NOTHING, bank_of
from kikao_apps.wallet.flows.names import NAME
from kikao_apps.wallet.flows.pin import with_pin

flows = Flows()

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
