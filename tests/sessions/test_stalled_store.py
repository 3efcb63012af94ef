"""A store that hangs under load: members are told so in time, nothing piles up, and it goes on by itself after."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Protocol

import pytest
from msgspec import structs

from kikao import App, Chat, Flows, Number, t
from kikao.config import Where, load
from kikao.events import Event, TurnRejected
from kikao.server import Server
from kikao.testing import Phone
from kikao.testing.wire import in_process
from tests.engines.postgresql import PostgreSQL
from tests.engines.valkey import Valkey

MEMBERS: Final = 200
BUDGET: Final = 3.0
"""Seconds that a reply may take here."""

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

    async def find(self, key: str) -> int | None:
        return self._keys.get(key)


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


@pytest.fixture(params=["valkey", "postgresql"])
def hanging(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Stalls]]:
    """The URL of a server of its own, and the way to make it hang."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "valkey":
        valkey = Valkey(folder)
        valkey.start()
        yield valkey.url, valkey
        valkey.remove()
    else:
        postgresql = PostgreSQL(folder)
        postgresql.start()
        yield postgresql.database(), Stalled(postgresql)
        postgresql.remove()


@asynccontextmanager
async def serving(folder: Path, url: str, bank: Bank, events: list[Event]) -> AsyncIterator[Server]:
    app = App(flows, entry="pay", members=False, services={Bank: bank}, budget=BUDGET)
    settings = load({"KIKAO_SIMULATOR": "off"}, folder, makes_keys=True)
    settings = structs.replace(settings, store=Where(url), turns=AT_ONCE)
    await prepared(settings.store)
    async with app.serving(settings, subscribers=[events.append], door=False) as server:
        yield server


async def prepared(where: Where) -> None:
    """PostgreSQL's tables are made by `kikao migrate`."""
    if where.kind == "postgresql":
        from kikao.sessions.stores.postgresql.migrations import migrate

        await migrate(where)


async def test_a_store_that_hangs_costs_members_a_moment_and_nothing_else(
    tmp_path: Path, hanging: tuple[str, Stalls]
) -> None:
    url, server_behind = hanging
    bank, events = Bank(), list[Event]()
    async with serving(tmp_path, url, bank, events) as server:
        phones = [Phone(in_process(server), f"+2567720{n:05}") for n in range(MEMBERS)]
        gate = asyncio.Semaphore(50)

        async def dial(phone: Phone) -> None:
            async with gate:
                while await phone.dial() != "Amount?":
                    pass

        await asyncio.gather(*map(dial, phones))
        server_behind.pause()
        took: list[float] = []
        most = 0
        until = time.monotonic() + 1.5 * BUDGET

        async def insist(n: int, phone: Phone) -> None:
            """Answer, and have the gateway deliver it again until it is taken."""
            nonlocal most
            reply = ""
            while not reply.startswith("Paid"):
                began = time.monotonic()
                if reply == UNCERTAIN:
                    reply = await phone.dial()
                    if (
                        reply == "Amount?"
                    ):  # the commit that nobody confirmed went through, and the payment is done
                        assert bank.paid[phone.number, n + 1] == 1
                        return
                else:
                    reply = await (phone.again() if reply else phone.reply(str(n + 1)))
                took.append(time.monotonic() - began)
                most = max(most, server.turns.gate.inside)
                assert reply in (UNAVAILABLE, WORKING, UNCERTAIN, f"Paid {n + 1}."), reply
                assert time.monotonic() > until or reply == UNAVAILABLE
                await asyncio.sleep(0.4 + n % 10 / 20)

        insisting = [asyncio.create_task(insist(n, phone)) for n, phone in enumerate(phones)]
        await asyncio.sleep(until - time.monotonic())
        tasks = len(asyncio.all_tasks())
        assert took, "somebody was answered while it hung"
        took.sort()
        p99 = took[len(took) * 99 // 100]
        answered, rejected = (
            len(took),
            Counter(e.error.partition(" ")[0] for e in events if type(e) is TurnRejected),
        )
        server_behind.resume()
        resumed = time.monotonic()
        async with asyncio.timeout(20.0):
            await asyncio.gather(*insisting)
        print(
            f"{answered} answers, p99 {p99:.2f} s, {most} at once, {tasks} tasks, {dict(rejected)}, ", end=""
        )
        print(f"all paid {time.monotonic() - resumed:.1f} s after")

        assert p99 < BUDGET
        assert most <= AT_ONCE
        assert tasks < 2 * MEMBERS + 100, "requests and what they wait for, and no more"
        assert bank.paid == Counter({(f"+2567720{n:05}", n + 1): 1 for n in range(MEMBERS)})
        assert await server.sessions.store.due(now=1e12, limit=10) == [], "nothing is half-written"
