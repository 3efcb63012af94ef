"""A shop at work, and the office of the operator who asks about its sessions."""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

import msgspec

from kikao.control import Ask, Call, Nothing
from kikao.conversation import Chat, Done, Flows, Number, Pin, Secret, Text
from kikao.i18n import t
from kikao.sessions.views import (
    END,
    EXPLAIN,
    LIST,
    SHOW,
    SWEEP,
    Detail,
    Ended,
    Ending,
    Explaining,
    Explanation,
    Line,
    Listing,
    Named,
)
from tests.talk import Process, Talk

A = TypeVar("A", bound=msgspec.Struct)
I = TypeVar("I", bound=msgspec.Struct)  # noqa: E741 - an item
ASHA, BEN = "+256772000001", "+256752000002"


class Note(msgspec.Struct):
    text: str


class Office:
    """An app at work and an operator who asks it, one way or another."""

    def __init__(self, ask: Ask, process: Process, service: Service) -> None:
        self.ask = ask
        self.process = process
        self.service = service

    def phone(self, number: str = ASHA) -> Talk:
        talk = Talk(self.process, number)
        talk.gateway.retention = 20.0
        return talk

    async def many(self, call: Call[A, I], args: A) -> list[I]:
        return [item async for item in self.ask.ask(call, args)]

    async def lines(self, **listing: Any) -> list[Line]:
        return await self.many(LIST, Listing(**listing))

    async def show(self, who: str) -> Detail:
        (detail,) = await self.many(SHOW, Named(who))
        return detail

    async def end(self, who: str, *, force: bool = False) -> Ended:
        (ended,) = await self.many(END, Ending(who, force))
        return ended

    async def sweep(self) -> int:
        (swept,) = await self.many(SWEEP, Nothing())
        return swept.count

    async def explain(self, who: str = "", **asked: Any) -> Explanation:
        (explanation,) = await self.many(EXPLAIN, Explaining(who, **asked))
        return explanation

    async def stored(self) -> int:
        return len([record async for record in self.process.store.scan()])


class Service:
    """What the flow pays at, in a mood of its own."""

    def __init__(self) -> None:
        self.outcome: Any = Done("R1")
        self.called = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def pay(self, pin: Secret, key: str) -> Any:
        self.called.set()
        await self.go_on.wait()
        return self.outcome

    async def check(self, key: str) -> Any:
        return self.outcome


flows = Flows()


@flows.flow("shop")
async def shop(chat: Chat) -> None:
    service = chat.service(Service)
    await chat.session.set("note", Note("Zanzibar"))
    what = await chat.ask("what", Text(), t("What, {name}?", name="Mwangaza"))
    await chat.read("stock", lambda: {"Kilimanjaro": 7})
    count = await chat.ask("count", Number(), t("How many {what}?", what=what))
    await chat.secret(
        "pin", Pin(), t("PIN for {count}", count=count), use=service.pay, check=service.check, done=t("Paid.")
    )
    await chat.end(t("Done"))
