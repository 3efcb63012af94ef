"""A small app for tests of the stage: a shop that sells cups, paid with a PIN at a till elsewhere."""

from __future__ import annotations

from typing import Final, Protocol

import msgspec

from kikao import App, Chat, Done, ErrorCode, Flows, Message, Number, Pin, Refused, Secret, Voided, t

PIN, WRONG = "2580", "1111"
CLOSING: Final = "Request received. Do not repeat it. Dial again to see the result."
WORKING: Final = "Your last request is still being processed. Dial again shortly."
CHECKING: Final = "We are checking your request. Do not repeat it. Dial again to see the result."
AWAY: Final = "Service unavailable. Try again later."
CONTINUE: Final = "Continue where you stopped?\n1 Continue\n2 Start again"
HOW_MANY: Final = "A cup is 300. How many?"


class Sale(msgspec.Struct, frozen=True):
    """Cups that were paid."""

    ref: str
    cups: int


class Till(Protocol):
    """What the flow knows of the service."""

    async def price(self) -> int:
        """Of one cup."""
        ...

    async def pay(self, cups: int, *, pin: Secret, key: str) -> Done[Sale] | Refused:
        """Once per key."""
        ...

    async def find(self, key: str) -> Done[Sale] | Voided:
        """What became of a key; one that is not known is refused for ever."""
        ...


class MemoryTill:
    """A till that keeps its promises as long as it lives."""

    currency = "UGX"

    def __init__(self) -> None:
        self.sales: list[Sale] = []
        self.asked = 0
        """How often anything was asked of it."""
        self._kept: dict[str, Sale | None] = {}

    async def price(self) -> int:
        self.asked += 1
        return 300

    async def pay(self, cups: int, *, pin: Secret, key: str) -> Done[Sale] | Refused:
        self.asked += 1
        if key in self._kept:
            kept = self._kept[key]
            return Refused(ErrorCode.REJECTED) if kept is None else Done(kept)
        if not pin.matches(Secret(PIN)):
            return Refused(ErrorCode.WRONG_SECRET)
        sale = self._kept[key] = Sale(f"S{len(self.sales) + 1}", cups)
        self.sales.append(sale)
        return Done(sale)

    async def find(self, key: str) -> Done[Sale] | Voided:
        self.asked += 1
        kept = self._kept.setdefault(key, None)
        return Voided() if kept is None else Done(kept)

    def name(self) -> str:
        return "till"


def flows_of(greeting: str = "") -> Flows:
    """The flows, in a version that says `greeting` with the sale."""
    flows = Flows()

    @flows.flow("buy", title=t("Buy"))
    async def buy(chat: Chat) -> None:
        till = chat.service(Till)
        price = await chat.read("price", till.price)
        cups = await chat.ask("cups", Number(min=1, max=9), t("A cup is {price}. How many?", price=price))
        sale = await chat.secret(
            "pin",
            Pin(4),
            t("Enter PIN"),
            use=lambda pin, key: till.pay(cups, pin=pin, key=key),
            check=till.find,
            done=sold,
        )
        await chat.end(t("{greeting}{text}", greeting=greeting, text=sold(sale)))

    return flows


def sold(sale: Sale) -> Message:
    return t("{cups} cups sold. Ref {ref}", cups=sale.cups, ref=sale.ref)


def an_app(till: Till | None = None, greeting: str = "") -> App:
    """The shop with a till of its own; without a directory of members it writes no file."""
    return App(flows_of(greeting), entry="buy", services={Till: till or MemoryTill()}, members=False)
