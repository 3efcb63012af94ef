"""A member with a phone who sends money, and a bank that can void a key or cannot."""

from __future__ import annotations

from typing import Any

from kikao.conversation import Chat, Flows, Number, Pin, Text
from kikao.events import TurnCommitted
from kikao.i18n.messages import t
from tests.bank import Bank
from tests.talk import Talk, start

WELCOME = "To whom?"
CHECKING = "We are checking your last request: it may still go through.\n1 Check again\n2 Start again"
RESUME = "Continue where you stopped?\n1 Continue\n2 Start again"


def sending(*, tombstones: bool = True, critical: bool = True) -> Flows:
    """Send money, with a bank that can void a key or one that cannot; what may be forgotten is not `critical`."""
    flows = Flows()

    @flows.flow("send")
    async def send(chat: Chat) -> None:
        bank = chat.service(Bank)
        to = await chat.ask("to", Text(), t("To whom?"))
        amount = await chat.ask("amount", Number(min=500), t("Amount"))
        await chat.confirm("ok", t("Send {amount} to {to}?", amount=amount, to=to))
        receipt = await chat.secret(
            "pin",
            Pin(),
            t("Enter PIN"),
            use=lambda pin, key: bank.transfer(to, amount, pin, key),
            check=bank.find if tombstones else None,
            critical=critical,
        )
        await chat.end(t("Sent. Ref {ref}", ref=receipt.ref))

    return flows


async def phone(*, tombstones: bool = True, **options: Any) -> tuple[Talk, Bank]:
    bank = Bank()
    return await start(sending(tombstones=tombstones), "send", services={Bank: bank}, **options), bank


async def to_the_pin(talk: Talk) -> None:
    await talk.dial()
    assert (await talk.say("Ann", "700", "1")).startswith("Enter PIN")


def done(talk: Talk) -> TurnCommitted:
    """The last turn's event."""
    return [event for event in talk.process.events if isinstance(event, TurnCommitted)][-1]
