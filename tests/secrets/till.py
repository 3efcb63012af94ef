"""An app that asks for every kind of answer and for a secret, and a till that does with it what it should not.

A flow and a service hold what went wrong for them, with its frames: what their authors could log, a test can search.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import msgspec

from kikao import (
    App,
    Chat,
    Done,
    ErrorCode,
    Flows,
    Money,
    Number,
    Phone,
    Pin,
    Refused,
    Secret,
    Text,
    Voided,
    t,
)
from kikao.conversation import Answer, Confirm, Date, Invalid
from kikao.conversation.inputs import Given
from kikao.conversation.screens import Option
from kikao.i18n import Amount, Message

WRONG: Final = "00000000"
LOCKED: Final = "99999999"
LANGUAGES: Final = {"en": "English", "sw": "Kiswahili"}

Behave = Callable[[Secret], Any]
"""What the till does with a PIN once it has sold: it returns an answer, or raises."""


class Sale(msgspec.Struct, frozen=True):
    """What the till answers."""

    ref: str
    amount: Amount


class Till:
    """A service. `behave` says what becomes of the next sales; `caught` is what was raised in it."""

    def __init__(self) -> None:
        self.behave: Behave | None = None
        self.forgets = False
        """Whether it cannot say what became of a key."""
        self.sales: dict[str, Sale | None] = {}
        self.gate: asyncio.Event | None = None
        """A sale waits for it, if set."""
        self.begun = asyncio.Event()

    async def sell(self, amount: Amount, *, pin: Secret, key: str) -> Any:
        """Sell once per key. Raises what `behave` raises."""
        if key in self.sales:
            sale = self.sales[key]
            return Refused(ErrorCode.REJECTED) if sale is None else Done(sale)
        if pin.matches(Secret(WRONG)):
            return Refused(ErrorCode.WRONG_SECRET)
        if pin.matches(Secret(LOCKED)):
            return Refused(ErrorCode.LOCKED)
        self.begun.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.behave is not None:
            answer = self.behave(pin)
            if isinstance(answer, Refused):
                return answer
        else:
            answer = None
        sale = self.sales[key] = Sale(f"S{len(self.sales)}", amount)
        return sale if answer is None else answer

    async def find(self, key: str) -> Done[Sale] | Voided:
        """What became of a key."""
        if self.forgets:
            raise TimeoutError
        sale = self.sales.setdefault(key, None)
        return Voided() if sale is None else Done(sale)


class Password(Answer[str]):
    """An answer type of an app that tells a member what they typed, as no answer type should."""

    tag = "password"

    def parse(self, given: Given, options: tuple[Option, ...]) -> str:
        if len(given.text) < 8:
            raise Invalid(t("{typed} is too short.", typed=given.text))
        return given.text


class Parrot(Password):
    """One that takes nothing, and repeats all."""

    def parse(self, given: Given, options: tuple[Option, ...]) -> str:
        raise Invalid(t("{typed} is wrong, {nested}.", typed=given.text, nested=t(given.text)))


class Clumsy(Password):
    """One with a mistake in it."""

    def parse(self, given: Given, options: tuple[Option, ...]) -> str:
        raise KeyError(given.text)


SECRETS: Final[dict[str, Answer[str]]] = {"pin": Pin(8), "password": Password(), "short": Pin(4)}
"""How secrets are asked for here."""

PROMPTS: Final[dict[str, Answer[Any]]] = {
    "choice": Confirm(),
    "amount": Money("UGX", max=1_000_000),
    "number": Number(1, 99),
    "name": Text(max=6),
    "phone": Phone("UG"),
    "date": Date(),
}
"""Prompts that ask for no secret; what is typed as one is no answer to these."""

NOTE: Final = "note"
"""A prompt that takes any text."""


class Shop:
    """An app with a till. `caught` are the errors that its flow saw, `raised` those that came out of its service."""

    def __init__(self) -> None:
        self.till = Till()
        self.caught: list[BaseException] = []
        self.raised: list[BaseException] = []
        self.inside: Callable[[Chat, Secret], Any] | None = None
        """What `use` does before it sells."""
        self.after: Callable[[Chat], Any] | None = None
        """What the flow does after the secret."""
        self.done: Message | Callable[[Sale], Message] = lambda sale: t("Sold. Ref {ref}", ref=sale.ref)
        self.asks: Answer[str] = Pin(8)

    def app(self, **options: Any) -> App:
        """The app, all of it in this process."""
        flows = Flows()

        @flows.flow("sell")
        async def sell(chat: Chat) -> None:
            prompts = {**PROMPTS, NOTE: Text()}
            what = await chat.choose("what", "What?", ["sell", *prompts])
            if what != "sell":
                await chat.ask(what, prompts[what], f"Your {what}?")
                await chat.ask("else", Text(), "Anything else?")
                await chat.end("Noted.")
            amount = await chat.ask("amount", Money("UGX"), "Amount?")
            try:
                sale = await chat.secret(
                    "pin",
                    self.asks,
                    "Secret?",
                    use=self._use(chat, amount),
                    check=self.till.find,
                    done=self.done,
                )
                if self.after is not None:
                    await self.after(chat)
            except Exception as error:
                self.caught.append(error)
                raise
            await chat.ask("more", Text(), f"Got {sale}. More?")
            await chat.end("Bye.")

        options.setdefault("members", False)
        return App(flows, entry="sell", services={Till: self.till}, locales=LANGUAGES, **options)

    def _use(self, chat: Chat, amount: Amount) -> Callable[[Secret, str], Any]:
        async def use(pin: Secret, key: str) -> Any:
            try:
                if self.inside is not None:
                    await self.inside(chat, pin)
                return await chat.service(Till).sell(amount, pin=pin, key=key)
            except Exception as error:
                self.raised.append(error)
                raise

        return use
