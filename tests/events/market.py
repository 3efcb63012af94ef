"""A market for tests of events: a menu, a purchase with a PIN, an order with a step, and a way out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import msgspec

from kikao import App, Chat, Flows, Number, Pin, SessionPolicy, t
from kikao.events import Event, SessionEvent, name_of
from kikao.sessions.limits import Limits, Rate
from kikao.testing import Phone, Stage
from tests.testing.shop import MemoryTill, Till

PIN, WRONG = "2580", "1111"
NUMBER: Final = "+256772000001"

MENU: Final = {"buy": "Buy", "order": "Order", "leave": "Leave", "broken": "Broken"}


def flows() -> Flows:
    """The flows of the market."""
    found = Flows()

    @found.flow("menu")
    async def menu(chat: Chat) -> None:
        what = await chat.choose("what", t("Market"), MENU)
        if what == "broken":
            await chat.goto("broken")
        if what == "buy":
            await chat.goto("buy")
        if what == "order":
            await chat.call("order")
        if what == "leave":
            await chat.session.destroy()
        await chat.end(t("Bye"))

    @found.flow("buy")
    async def buy(chat: Chat) -> None:
        till = chat.service(Till)
        cups = await chat.ask("cups", Number(min=1, max=9), t("How many?"))
        await chat.secret(
            "pin",
            Pin(),
            t("Enter PIN"),
            use=lambda pin, key: till.pay(cups, pin=pin, key=key),
            check=till.find,
        )
        await chat.end(t("Sold"))

    @found.flow("broken")
    async def broken(chat: Chat) -> None:
        raise KeyError("what a member typed")

    @found.flow("order")
    async def order(chat: Chat) -> None:
        cups = await chat.ask("cups", Number(min=1, max=9), t("How many?"))
        await chat.step("reserve", chat.service(Shelf).reserve, retry="never", args=cups)
        await chat.end(t("Reserved"))

    return found


class Shelf:
    """Reserves anything."""

    async def reserve(self, key: str) -> str:
        return key[:4]


def market(**options: Any) -> App:
    """The app, without a directory of members."""
    services = {Till: MemoryTill(), Shelf: Shelf()}
    policy = SessionPolicy(
        idle=600, resume=60, limits=Limits(address=Rate(1000), member=Rate(1000), overall=None)
    )
    return App(
        flows(), **{"entry": "menu", "services": services, "members": False, "policy": policy, **options}
    )


class Heard:
    """What a stage published since the last look."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._seen = 0

    def news(self) -> list[Event]:
        """The events themselves."""
        found = self._stage.events[self._seen :]
        self._seen = len(self._stage.events)
        return found

    def lines(self) -> list[str]:
        """Each in a line: its name, and what else than the usual it says."""
        return [line(event) for event in self.news()]


@asynccontextmanager
async def at_the_market(app: App | None = None) -> AsyncIterator[tuple[Stage, Phone, Heard]]:
    """A stage with the market, a phone, and what is published from now on."""
    async with Stage(app or market()) as stage:
        yield stage, stage.phone(NUMBER), Heard(stage)


def line(event: Event) -> str:
    """`stage.changed menu/what#1 from_flow=buy`: an event without its place, times and sizes."""
    found: dict[str, Any] = msgspec.to_builtins(event)
    at = "/".join(filter(None, (found.pop("flow", ""), found.pop("at", ""))))
    for usual in ("event", *SessionEvent.__struct_fields__, "ms", "version", "units", "alphabet"):
        found.pop(usual, None)
    rest = [f"{name}={value}" for name, value in found.items()]
    return " ".join(filter(None, (name_of(type(event)), at, *rest)))
