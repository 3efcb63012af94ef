"""A payment over a store that forgets, with a ledger that does not, and a member who does not give up."""

from __future__ import annotations

import functools
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from kikao.records import Records
from kikao.sessions.ledger import Ledger, LedgeredStore
from kikao.sessions.ledger.ledger import MIGRATIONS, VERSION_TABLE
from kikao.sessions.sealing import KeyRing
from kikao.sessions.store import SessionStore
from kikao.testing import Clock, ProcessDied
from tests.bank import PIN, Bank
from tests.conversation.payments.sending import sending
from tests.sessions.forgetful import ForgetfulStore
from tests.talk import KEY, Process, Talk

UNTIL_RECOVERY = 40.0
"""Seconds after which the leases of whoever died have lapsed."""


class Life:
    """A member, the processes that serve them one after the other, and what came of it."""

    def __init__(self, fast: SessionStore, ledger: Ledger, number: str, *, critical: bool = True) -> None:
        self.fast = fast
        self.ledger = ledger
        self.number = number
        self.clock = Clock()
        self.bank = Bank()
        self.flows = sending(critical=critical)
        self.seen: list[str] = []
        self.confirmed = 0

    async def begin(self) -> Talk:
        """The first process."""
        process = await self.process()
        self.talk = Talk(process, self.number)
        return self.talk

    async def process(self) -> Process:
        """Another process over the same stores; it knows nothing of what was before."""
        store = LedgeredStore(self.fast, self.ledger, KeyRing({"test": KEY}), clock=self.clock)
        process = Process(self.flows, "send", store, self.clock, services={Bank: self.bank})
        await process.open()
        return process

    async def until_sent(self) -> None:
        """Whatever happens, the member dials and answers until they are told that it was sent."""
        await self.step(self.talk.dial)
        for _ in range(30):
            if "Sent. Ref" in self.seen[-1]:
                return
            answer = self.answer(self.seen[-1])
            if answer is None or self.talk.ended:
                await self.later()
                await self.step(self.talk.dial)
            else:
                await self.step(functools.partial(self.talk.say, answer))
        raise AssertionError(f"never sent: {self.seen}")

    async def later(self) -> None:
        """Time goes by, and recovery looks."""
        self.clock.advance(UNTIL_RECOVERY)
        await self.talk.process.recovery.once()

    def answer(self, screen: str) -> str | None:
        """What the member says to it; a confirmation counts."""
        line = screen.splitlines()
        if any(each.startswith("Send ") for each in line):
            self.confirmed += 1
            return "1"
        known = {"To whom?": "Ann", "Amount": "700", "Enter PIN": PIN, "Continue where you stopped?": "1"}
        return next((answer for question, answer in known.items() if question in line), None)

    async def step(self, does: Callable[[], Awaitable[str]]) -> None:
        """One request, sent again once where the server said nothing, as a gateway does; a dead server is replaced."""
        self.clock.advance(1.0)
        try:
            self.seen.append(await does())
        except ProcessDied:
            self.talk.process = await self.process()
            self.seen.append(await self.talk.send())

    def judged(self) -> None:
        """The two laws."""
        told = "\n".join(self.seen)
        assert len(self.bank.moved) <= self.confirmed, f"{self.bank.moved}: {self.seen}"
        lost = [receipt.ref for receipt in self.bank.moved if f"Ref {receipt.ref}" not in told]
        assert not lost, f"nobody told {lost}: {self.seen}"


@asynccontextmanager
async def a_ledger(where: str | Path) -> AsyncIterator[Ledger]:
    """The ledger of every process there."""
    records = Records(where)
    await records.migrate(MIGRATIONS, VERSION_TABLE, upgrade=True)
    ledger = Ledger(records)
    try:
        yield ledger
    finally:
        await ledger.close()


_NUMBERS = itertools.count(256_772_000_001)


async def a_life(ledger: Ledger, *, critical: bool = True) -> tuple[Life, ForgetfulStore]:
    """A member nobody met before, over a store that forgets."""
    fast = ForgetfulStore()
    life = Life(fast, ledger, f"+{next(_NUMBERS)}", critical=critical)
    await life.begin()
    return life, fast
