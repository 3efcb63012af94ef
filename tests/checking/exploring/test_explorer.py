"""Exploring an app: every answer and every outcome, and what is told of them."""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from kikao.app import App
from kikao.checking.exploring import Exploration, explore
from kikao.checking.findings import Finding
from kikao.conversation import (
    Chat,
    Done,
    Flows,
    Number,
    Pin,
    Refused,
)
from kikao.conversation.flows import FlowFunction
from kikao.conversation.outcomes import Unknown, Voided
from kikao.conversation.secrets import Secret
from kikao.i18n import Amount, t


def app_of(*functions: FlowFunction, **more: Any) -> App:
    """An app of some flows, by the names of their functions; the first is the entry."""
    flows = Flows()
    for function in functions:
        flows.flow(function.__name__, title=function.__name__)(function)
    return App(flows, entry=functions[0].__name__, members=False, **more)


def found(exploration: Exploration, code: str) -> list[Finding]:
    return [finding for finding in exploration.findings if finding.code == code]


class Receipt(msgspec.Struct, frozen=True):
    ref: str
    amount: Amount


class Shop(Protocol):
    """A service as a flow sees it."""

    async def open(self) -> bool: ...

    async def price(self, count: int) -> Amount: ...

    async def pay(self, amount: Amount, pin: Secret, *, key: str) -> Done[Receipt] | Refused: ...

    async def find(self, key: str) -> Done[Receipt] | Voided | Unknown: ...


async def buying(chat: Chat) -> None:
    """A flow with all kinds of branches, each of which can be taken."""
    shop = chat.service(Shop)
    if not await chat.read("open", shop.open):
        await chat.end(t("We are closed."))
    count = await chat.ask("count", Number(1, 100), t("How many?"))
    if count > 12:
        await chat.say(t("That is a lot."))
    price = await chat.read("price", lambda: shop.price(count))
    await chat.confirm("ok", t("Pay {price}?", price=price) if price.minor else t("Take it, it is free?"))
    receipt = await chat.secret(
        "pin", Pin(), t("Enter your PIN"), use=lambda pin, key: shop.pay(price, pin, key=key), check=shop.find
    )
    await chat.end(t("Paid. Ref {ref}", ref=receipt.ref))


def test_everything_that_can_happen_is_tried() -> None:
    exploration = explore(app_of(buying, services={Shop: None}))
    assert exploration.findings == []
    assert str(exploration.coverage) == "explored 6 of 6 branches"
    assert exploration.flows == ("buying",)
    assert exploration.bound == ""


def test_the_same_app_gives_the_same() -> None:
    first, second = (explore(app_of(buying, services={Shop: None})) for _ in range(2))
    assert first == second
