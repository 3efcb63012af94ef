"""kill -9 while messages leave: each arrives, in its order, and twice only where a process died in between.

Members order without a pause, each conversation posts two messages, and the servers that send them are killed. Whoever
got the last screen of a conversation has posted both. The receiver takes down when each came. Afterwards:

- both messages of every conversation that was answered have arrived, the first before the second;
- nothing arrived that nobody posted;
- a message that arrived twice did so because a server was killed after it had been sent, and before that was stored:
  between its first arrival and its second lies a kill.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from kikao.channels.ussd.clients.africastalking import AfricasTalkingClient
from kikao.channels.ussd.clients.client import Exchange
from kikao.testing import Send
from tests.channels.webhook.receiver import OK, Receiver, Request
from tests.http.wire import over_wire
from tests.reliability.grounds import GROUNDS
from tests.reliability.kill_loop import BIRTH, Killed, read_log
from tests.reliability.members import NOT_ALWAYS_A_TURN, REQUEST_SECONDS
from tests.reliability.report import Report, at_least, exactly, report

APP: Final = "tests.reliability.orders_app:app"
LEASE: Final = 2.0
PAUSE: Final = 0.03
LIFE: Final = (0.2, 0.9)
"""Seconds until the next kill."""

STILL: Final = 20.0
"""Seconds without an arrival after which nobody waits any longer; shards of the killed are free after six."""


class Arrival(msgspec.Struct, frozen=True):
    """A message that the receiver took."""

    at: float
    id: str
    number: int
    part: int


class Book:
    """What arrived."""

    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []

    def __call__(self, request: Request) -> bytes:
        body = msgspec.json.decode(request.body)
        posted = body.get("data", body)
        self.arrivals.append(
            Arrival(time.monotonic(), request.headers["kikao-message"], posted["number"], posted["part"])
        )
        return OK

    def complete(self, numbers: Iterable[int]) -> bool:
        there = {(arrival.number, arrival.part) for arrival in self.arrivals}
        return all((number, part) in there for number in numbers for part in (1, 2))


class Customer:
    """Orders again and again; a number is ordered once."""

    def __init__(self, n: int, send: Send, server: Killed) -> None:
        self.ordered: list[int] = []
        self.asked: set[int] = set()
        self._n = n
        self._send = send
        self._server = server
        self._client = AfricasTalkingClient(f"+25677400{n:04d}", "*284#")

    async def live(self, until: asyncio.Event) -> None:
        """Not as fast as it goes: what is posted has to leave, too."""
        for number in range(self._n * 1_000_000 + 1, self._n * 1_000_000 + 1_000_000):
            if until.is_set():
                return
            await self._order(number)
            await asyncio.sleep(PAUSE)

    async def _order(self, number: int) -> None:
        self.asked.add(number)
        said = await self._insist(self._client.dial(f"c{number}"))
        if b"1 Continue" in said:
            said = await self._insist(self._client.answer("1"))
        if b"Number?" in said and b"Ordered" in await self._insist(self._client.answer(str(number))):
            self.ordered.append(number)

    async def _insist(self, exchange: Exchange) -> bytes:
        while True:
            try:
                async with asyncio.timeout(REQUEST_SECONDS):
                    said = (await self._send(exchange)).body
            except (OSError, TimeoutError):
                await self._server.answers()
                continue
            if said not in NOT_ALWAYS_A_TURN:
                return said
            await asyncio.sleep(0.1)


async def on(folder: Path, kind: str, *, kills: int, processes: int, seed: int) -> Report:
    """One store."""
    chance, book, killed_at = random.Random(seed), Book(), list[float]()
    enough = asyncio.Event()
    with GROUNDS[kind](folder / "store") as ground:
        async with Receiver(book) as receiver:
            env = {"LEASE": f"{LEASE}", "KIKAO_WEBHOOK_CRM_URL": f"http://127.0.0.1:{receiver.port}/hook"}
            env["KIKAO_WEBHOOK_CRM_TIMEOUT"] = "1"
            env |= {"KIKAO_STORE": ground.url} if ground.url else {}
            server = Killed(folder / "data", APP, env, processes=processes, seed=seed)
            customers = [Customer(n, over_wire(lambda: server.port), server) for n in range(1, 7)]
            try:
                await server.start()
                async with asyncio.TaskGroup() as tasks:
                    for customer in customers:
                        tasks.create_task(customer.live(enough))
                    while server.kills < kills:
                        await server.kill(chance.uniform(*LIFE))
                        killed_at.append(time.monotonic())
                        if chance.random() < 0.1:
                            await server.kill_at_birth(chance.uniform(0, BIRTH))
                            killed_at.append(time.monotonic())
                        await server.start()
                    enough.set()
                ordered = [number for customer in customers for number in customer.ordered]
                waiting_since = time.monotonic()
                while not book.complete(ordered):
                    newest = max((arrival.at for arrival in book.arrivals), default=0.0)
                    if time.monotonic() > max(newest, waiting_since) + STILL:
                        break
                    await asyncio.sleep(0.2)
                code = await asyncio.to_thread(server.stop)
            finally:
                server.abandon()
    asked = {number for customer in customers for number in customer.asked}
    found, twice, explained = judged(book.arrivals, ordered, asked, killed_at)
    if code:
        found.append(f"SIGTERM ended a server with {code}")
    found += read_log((folder / "data").with_suffix(".log"))[1]
    return report(
        {
            "kills": server.kills,
            "conversations answered": len(ordered),
            "messages that arrived": len({arrival.id for arrival in book.arrivals}),
            "that arrived twice": twice,
            "of these explained by a kill": explained,
        },
        found,
        kills=at_least(kills),
        conversations_answered=at_least(kills),
        of_these_explained_by_a_kill=exactly(twice),
    )


def judged(
    arrivals: list[Arrival], ordered: list[int], asked: set[int], killed_at: list[float]
) -> tuple[list[str], int, int]:
    """What is wrong; how many arrivals were copies, and how many of them a kill explains."""
    found, twice, explained = [], 0, 0
    first: dict[tuple[int, int], Arrival] = {}
    last: dict[str, Arrival] = {}
    for arrival in arrivals:
        place = arrival.number, arrival.part
        if arrival.id in last:
            twice += 1
            explained += any(last[arrival.id].at <= at <= arrival.at for at in killed_at)
        elif place in first:
            found.append(f"posted twice: {place}")
        last[arrival.id] = arrival
        first.setdefault(place, arrival)
        if arrival.number not in asked:
            found.append(f"nobody ordered {arrival.number}")
    for number in ordered:
        if (number, 1) not in first or (number, 2) not in first:
            found.append(f"{number}: not both of its messages arrived")
        elif first[number, 1].at > first[number, 2].at:
            found.append(f"{number}: the second message came first")
    return found[:20], twice, explained


async def part(folder: Path, *, quick: bool, seed: int) -> Report:
    """Every store, one after the other."""
    together = report({}, [])
    for kind, processes in (("SQLite", 1), ("PostgreSQL", 2), ("Valkey", 2), ("Redis", 1)):
        if quick and kind != "Valkey":
            continue
        (where := folder / kind).mkdir()
        found = await on(where, kind, kills=4 if quick else 25, processes=processes, seed=seed)
        together.figures |= {f"{kind}: {name}": value for name, value in found.figures.items()}
        together.musts |= {f"{kind}: {name}": must for name, must in found.musts.items()}
        together.violations += [f"{kind}: {violation}" for violation in found.violations]
    return together
