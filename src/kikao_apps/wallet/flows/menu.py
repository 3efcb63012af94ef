"""The entry: a language, an account, the menu."""

from __future__ import annotations

from typing import Final

from kikao.conversation import Chat, Flows
from kikao.i18n import Message, t
from kikao_apps.wallet.flows import account as accounts
from kikao_apps.wallet.flows import help as helping
from kikao_apps.wallet.flows import pin, proof, registration, sending
from kikao_apps.wallet.flows.believed import bank_of
from kikao_apps.wallet.flows.names import plain
from kikao_apps.wallet.flows.support import locked

CHOOSE: Final = t("Choose an option.")

flows = Flows()
for part in (registration, sending, accounts, pin, helping):
    flows.include(part.flows)


@flows.flow("wallet", title=t("Wallet"))
async def wallet(chat: Chat) -> None:
    """Members see the menu; others choose a language and register first."""
    bank = bank_of(chat)
    await chat.language("language")
    if not chat.member.msisdn:
        await proof.prove(chat)
    account = await chat.read("account", lambda: bank.account(chat.member.msisdn))
    told = False
    if account is None:
        account = await chat.call(registration.register)
    elif not account.locked and not account.new_pin_due:
        told = await sending.tell_last_receipt(chat)
    if account.locked:
        await chat.end(locked(chat))
    if account.new_pin_due:
        await chat.call(pin.start_pin)
    offered = [sending.send, accounts.balance, accounts.statement, pin.change_pin]
    if len(chat.locales) > 1:
        offered.append(language)
    # There is no room for both: the receipt, an error and a name would push the options to the next page.
    await chat.menu("menu", CHOOSE if told else greeting(account.name), [*offered, helping.help_])


def greeting(name: str) -> Message:
    """What stands above the menu."""
    if written := plain(name):
        return t("Hello {name}. Choose an option.", name=written)
    return CHOOSE


@flows.flow("language", title=t("Language"))
async def language(chat: Chat) -> None:
    """Choose another language, and see the menu in it."""
    await chat.language("language", again=True)
    await chat.goto("wallet")
