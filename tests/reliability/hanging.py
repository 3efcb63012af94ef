"""A store that hangs while many members insist: they are told in time, nothing piles up, and it goes on by itself."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final, Protocol

from msgspec import structs

from kikao import App, Chat, Flows, Number, t
from kikao.config import Where, load
from kikao.server import Server
from kikao.testing import Phone
from kikao.testing.wire import in_process
from tests.engines.postgresql import PostgreSQL
from tests.engines.valkey import Valkey
from tests.reliability.report import Report, at_most, report

BUDGET: Final = 3.0
"""Seconds that a reply may take here."""

HANGS: Final = 1.5 * BUDGET
SETTLED: Final = 30.0
"""Seconds in which everybody has to be served once it does not hang any more."""

AT_ONCE: Final = 100
UNAVAILABLE: Final = "Service unavailable. Try again later."
WORKING: Final = "Your last request is still being processed. Dial again shortly."
UNCERTAIN: Final = "We are checking your request. Do not repeat it. Dial again to see the result."

flows = Flows()


class Bank:
    """Pays once for each key, and says how often."""

    def __init__(self) -> None:
        self.paid: Counter[tuple[str, int]] = Counter()
        self._keys: dict[str, int] = {}

    async def pay(self, member: str, amount: int, key: str) -> int:
        if key not in self._keys:
            self._keys[key] = amount
            self.paid[member, amount] += 1
        return amount


@flows.flow("pay")
async def pay(chat: Chat) -> None:
    amount = await chat.ask("amount", Number(1, 99_999), t("Amount?"))
    bank = chat.service(Bank)
    paid = await chat.step("pay", lambda key: bank.pay(chat.member.msisdn, amount, key), retry="key")
    await chat.end(t("Paid {paid}.", paid=paid))


class Stalls(Protocol):
    """A server that can be made to hang."""

    def pause(self) -> None: ...
    def resume(self) -> None: ...


class Stalled:
    """PostgreSQL that can be made to hang, all of its processes."""

    def __init__(self, server: PostgreSQL) -> None:
        self._server = server
        self._stalled: Any = None

    def pause(self) -> None:
        self._stalled = self._server.stalled()
        self._stalled.__enter__()

    def resume(self) -> None:
        self._stalled.__exit__(None, None, None)


@contextmanager
def valkey_server(folder: Path) -> Iterator[tuple[str, Stalls]]:
    server = Valkey(folder)
    server.start()
    try:
        yield server.url, server
    finally:
        server.remove()


@contextmanager
def postgresql_server(folder: Path) -> Iterator[tuple[str, Stalls]]:
    folder.mkdir()
    server = PostgreSQL(folder)
    server.start()
    try:
        yield server.database(), Stalled(server)
    finally:
        server.remove()


async def valkey(folder: Path, *, quick: bool, seed: int) -> Report:
    """A Valkey server that is stopped, and goes on."""
    with valkey_server(folder / "server") as (url, server):
        return await _hanging(folder, url, server, members=60 if quick else 300)


async def postgresql(folder: Path, *, quick: bool, seed: int) -> Report:
    """The same with PostgreSQL."""
    with postgresql_server(folder / "server") as (url, server):
        return await _hanging(folder, url, server, members=60 if quick else 300)


@asynccontextmanager
async def _serving(folder: Path, url: str, bank: Bank) -> AsyncIterator[Server]:
    app = App(flows, entry="pay", members=False, services={Bank: bank}, budget=BUDGET)
    settings = load({"KIKAO_SIMULATOR": "off"}, folder, makes_keys=True)
    settings = structs.replace(settings, store=Where(url), turns=AT_ONCE)
    if settings.store.kind == "postgresql":
        from kikao.sessions.stores.postgresql.migrations import migrate

        await migrate(settings.store)
    async with app.serving(settings, door=False) as server:
        yield server


class _Crowd:
    """Members who answer, dial again, and have their requests delivered again until they are told that it is paid."""

    def __init__(self, server: Server, members: int) -> None:
        self.server = server
        self.phones = [Phone(in_process(server), f"+2567720{n:05}") for n in range(members)]
        self.took: list[float] = []
        """Seconds of the replies while it hung."""
        self.hangs = False
        self.most = 0
        self.odd: Counter[str] = Counter()

    async def dial(self) -> None:
        gate = asyncio.Semaphore(50)

        async def one(phone: Phone) -> None:
            async with gate:
                while await phone.dial() != "Amount?":
                    pass

        await asyncio.gather(*map(one, self.phones))

    async def insist(self, n: int) -> None:
        phone, amount = self.phones[n], n + 1
        receipt = f"Paid {amount}."
        reply = await self._timed(phone.reply(str(amount)))
        while receipt not in reply:
            await asyncio.sleep(0.4 + n % 10 / 20)
            if (
                reply == "Amount?"
            ):  # a dial of somebody who was only told to try again, and whose answer never came in
                reply = await self._timed(phone.reply(str(amount)))
            elif reply == UNCERTAIN:
                reply = await self._timed(phone.dial())
            else:
                reply = await self._timed(phone.again())
            if reply not in (UNAVAILABLE, WORKING, UNCERTAIN, "Amount?") and receipt not in reply:
                self.odd[reply] += 1

    async def _timed(self, request: Any) -> str:
        began, hung = time.monotonic(), self.hangs
        reply: str = await request
        if hung:
            self.took.append(time.monotonic() - began)
        self.most = max(self.most, self.server.turns.gate.inside)
        return reply


async def _hanging(folder: Path, url: str, server_behind: Stalls, *, members: int) -> Report:
    bank = Bank()
    async with _serving(folder, url, bank) as server:
        crowd = _Crowd(server, members)
        await crowd.dial()
        server_behind.pause()
        crowd.hangs = True
        insisting = [asyncio.create_task(crowd.insist(n)) for n in range(members)]
        await asyncio.sleep(HANGS)
        tasks = len(asyncio.all_tasks())
        crowd.hangs = False
        server_behind.resume()
        resumed = time.monotonic()
        _, waiting = await asyncio.wait(insisting, timeout=SETTLED)
        served = time.monotonic() - resumed
        for task in waiting:
            task.cancel()
        await asyncio.gather(*insisting, return_exceptions=True)
        opened = await server.sessions.store.due(now=1e12, limit=1000)
    right = Counter({(phone.number, n + 1): 1 for n, phone in enumerate(crowd.phones)})
    violations = [f"answered {reply!r}, {count} times" for reply, count in crowd.odd.items()]
    violations += [f"paid {bank.paid[one]} times: {one}" for one in right | bank.paid if bank.paid[one] != 1]
    figures = {
        "members": members,
        "replies while it hung": len(crowd.took),
        "slowest of them, s": round(max(crowd.took, default=BUDGET), 2),
        "turns at once, at most": crowd.most,
        "tasks beside members": tasks - members,
        "seconds until all had paid": round(served, 1),
        "never served": len(waiting),
        "effects left open": len(opened),
    }
    return report(
        figures,
        violations,
        **{
            "slowest_of_them,_s": at_most(BUDGET + 1.0),
            "turns_at_once,_at_most": at_most(AT_ONCE),
            "tasks_beside_members": at_most(members + 100),
            "never_served": at_most(0),
            "effects_left_open": at_most(0),
        },
    )
