"""What an account holds, and what happened on it: shown for its PIN, and not shown again without it."""

from __future__ import annotations

from typing import Final

from kikao.conversation import Chat, Flows
from kikao.i18n import Message, Moment, Text, t
from kikao_apps.wallet.bank import Balance, Movement, Statement
from kikao_apps.wallet.flows.believed import bank_of
from kikao_apps.wallet.flows.names import plain
from kikao_apps.wallet.flows.pin import shown_for_pin

flows = Flows()

CLOCKS: Final = {"UGX": 180, "KES": 180, "TZS": 180, "RWF": 120}
"""Minutes that the clocks of a currency's country are ahead of UTC; none of them has summer time."""


@flows.flow("balance", title=t("Balance"))
async def balance(chat: Chat) -> None:
    """What the account holds."""
    bank = bank_of(chat)
    held: Balance = await shown_for_pin(
        chat, lambda pin, key: bank.balance(chat.member.msisdn, pin, key=key), Balance
    )
    await chat.end(t("Your balance is {amount}.", amount=held.amount))


@flows.flow("statement", title=t("Mini statement"))
async def statement(chat: Chat) -> None:
    """The last movements, the newest first, on as many pages as they need."""
    bank = bank_of(chat)
    shown: Statement = await shown_for_pin(
        chat, lambda pin, key: bank.statement(chat.member.msisdn, pin, key=key), Statement
    )
    for movement in shown.movements:
        await chat.say(line(movement))
    await chat.end(None if shown.movements else t("There is nothing on your statement yet."))


def line(movement: Movement) -> Message:
    """One movement of a statement."""
    when = Moment(int(movement.at), CLOCKS[movement.amount.currency])
    party = who(movement)
    match movement.kind:
        case "sent" if movement.fee.minor:
            return t(
                "{when}: sent {amount} to {party}, fee {fee}. Ref {ref}",
                when=when, amount=movement.amount, party=party, fee=movement.fee, ref=movement.ref,
            )  # fmt: skip
        case "sent":
            return t(
                "{when}: sent {amount} to {party}. Ref {ref}",
                when=when, amount=movement.amount, party=party, ref=movement.ref,
            )  # fmt: skip
        case "received":
            return t(
                "{when}: got {amount} from {party}. Ref {ref}",
                when=when, amount=movement.amount, party=party, ref=movement.ref,
            )  # fmt: skip
        case "returned":
            return t(
                "{when}: {amount} came back from {party}. Ref {ref}",
                when=when, amount=movement.amount, party=party, ref=movement.ref,
            )  # fmt: skip
        case "gift":
            return t(
                "{when}: opening gift {amount}. Ref {ref}",
                when=when,
                amount=movement.amount,
                ref=movement.ref,
            )


def who(movement: Movement) -> Text:
    """The other member: by name, else by number; nobody's who left."""
    return plain(movement.name) or movement.party or t("a former member")
