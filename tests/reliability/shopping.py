"""An app that pays: two questions and an effect, with a bank behind a network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from kikao import App, Chat, Flows, Number, Pin, t
from kikao.channels.ussd.clients.africastalking import AfricasTalkingClient
from kikao.channels.ussd.clients.client import Exchange
from kikao.conversation.outcomes import Done, Refused
from kikao.conversation.secrets import Secret
from tests.reliability.members import NOT_ALWAYS_A_TURN
from tests.reliability.till import Bank, Receipt

CODE: Final = "*284#"
PIN: Final = "4821"

flows = Flows()


@flows.flow("shop")
async def shop(chat: Chat) -> None:
    bank = chat.service(Bank)
    amount = await chat.ask("amount", Number(min=1), t("Amount?"))

    async def pay(pin: Secret, key: str) -> Done[Receipt] | Refused:
        return await bank.pay(amount, key)

    receipt = await chat.secret("pin", Pin(), t("PIN?"), use=pay, check=bank.find)
    await chat.end(t("Paid {amount}. Ref {ref}", amount=amount, ref=receipt.ref))


def app(budget: float) -> App:
    return App(flows, entry="shop", members=False, budget=budget, subscribers=[lambda event: None])


NO_TURNS: Final = NOT_ALWAYS_A_TURN
"""What is said where nothing is certain: the same request may be answered otherwise later."""


class Shopper:
    """A phone that buys one thing; its amount is nobody else's."""

    def __init__(self, number: str, amount: int) -> None:
        self.number = number
        self.amount = amount
        self._client = AfricasTalkingClient(number, CODE)
        self._dials = 0

    def dial(self) -> Exchange:
        self._dials += 1
        return self._client.dial(f"{self.number}x{self._dials}")

    def answer(self, typed: str) -> Exchange:
        return self._client.answer(typed)

    def next(self, screen: str) -> Exchange | None:
        """What they type on a screen; nothing when they read that it is paid."""
        asked: Sequence[tuple[str, Callable[[], Exchange]]] = (
            ("Start again", lambda: self.answer("1")),
            ("Amount?", lambda: self.answer(str(self.amount))),
            ("PIN?", lambda: self.answer(PIN)),
        )
        if f"Paid {self.amount}." in screen:
            return None
        for words, act in asked:
            if words in screen:
                return act()
        return self.dial()
