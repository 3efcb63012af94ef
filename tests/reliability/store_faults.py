"""A fault proxy between a server and its store: every fault at every phase of a turn, one at a time; then an outage.

A member buys something: dial, amount, PIN. At one of the calls that a turn makes to its store the connection fails in
one of a dozen ways, once or for a while. The member sends again what was not answered, sometimes twice at once. Then:

- every request was answered within the budget of a turn, whatever hung;
- what a store refused with `StoreUnavailable` was not stored, and stays so when the network is well again;
- each commit that nobody confirmed was resolved by what is stored: the member reads the reply that stands there, and a
  redelivery gets it octet for octet;
- it was paid once, and the member read so; nothing is open; the server went on by itself.

In an outage many members come at once and again. All are told quickly, and served as soon as it is over.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar, cast

from kikao.channels.ussd.clients.client import Exchange
from kikao.config import load
from kikao.opening import make_store
from kikao.server import Server
from kikao.sessions.sealing import KeyRing
from kikao.sessions.store import Busy, Claim, CommitUnknown, Duplicate, SessionStore, StoreUnavailable, Write
from tests.engines import proxy as faults
from tests.engines.proxy import Fault, Proxy
from tests.http.asgi import call
from tests.http.servers import environment
from tests.reliability.grounds import GROUNDS, Ground
from tests.reliability.members import APOLOGY
from tests.reliability.report import Report, exactly, report
from tests.reliability.shopping import NO_TURNS, Shopper, app
from tests.reliability.till import Bank, Client, Till

T = TypeVar("T")

BUDGET: Final = 1.5
"""Seconds of a turn here."""

SLACK: Final = 1.5
"""Seconds by which a busy machine may be later."""

WHILE: Final = 0.3
LONG: Final = 2.5
"""Seconds that a fault lasts: less than a turn may take, and more."""

STEP: Final = 6.0
"""Seconds by which the clock moves on between two tries of a member, so that leases lapse and recovery looks."""

TRIES: Final = 40

SERVED_AGAIN: Final = 12.0
"""Seconds after the end of a fault within which members are served again."""

OUTAGE: Final = 3.0
CROWD: Final = 40


class Stage(NamedTuple):
    """A call to the store: of which request, and which one."""

    request: str
    call: str


STAGES: Final = (
    Stage("dial", "claim"),
    Stage("dial", "commit"),
    Stage("amount", "claim"),
    Stage("amount", "commit"),
    Stage("pin", "claim"),
    Stage("pin", "intent"),
    Stage("pin", "commit"),
)

FAULTS: Final[dict[str, tuple[Fault, float]]] = {
    "cut before it was sent": (faults.CutAfter(octets=0, times=1), 0.0),
    "cut while it was sent": (faults.CutAfter(octets=9, times=1), 0.0),
    "cut after it was sent": (faults.CutBeforeAnswer(times=1), 0.0),
    "cut in the answer": (faults.CutAfter(octets=3, to="client", times=1), 0.0),
    "garbage in the answer": (faults.Garbage(times=1), 0.0),
    "slow": (faults.Latency(seconds=0.1), WHILE),
    "far too slow": (faults.Latency(seconds=4.0), LONG),
    "answers lost": (faults.Mute(), WHILE),
    "answers lost for long": (faults.Mute(), LONG),
    "half open": (faults.HalfOpen(), WHILE),
    "black hole": (faults.BlackHole(), WHILE),
    "black hole for long": (faults.BlackHole(), LONG),
    "refused": (faults.Refuse(), WHILE),
}


class Clock:
    """The time, moved forward on demand."""

    ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


class Armed:
    """A store that calls the fault down at the right moment, and takes down what it said of it."""

    def __init__(self, store: SessionStore, proxy: Proxy, direct: SessionStore) -> None:
        self.violations: list[str] = []
        self.ambiguous: list[Write] = []
        self.unavailable: list[Write] = []
        self._store = store
        self._proxy = proxy
        self._direct = direct
        self._next: tuple[str, Fault] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def arm(self, call: str, fault: Fault) -> None:
        self._next = call, fault

    async def claim(
        self, key: bytes, dedupe: bytes | None, *, now: float, lease: float, wait: float
    ) -> Claim | Duplicate | Busy:
        self._strike("claim")
        return await self._store.claim(key, dedupe, now=now, lease=lease, wait=wait)

    async def intent(self, write: Write) -> None:
        await self._written("intent", write, self._store.intent)

    async def commit(self, write: Write) -> None:
        await self._written("commit", write, self._store.commit)

    async def _written(self, call: str, write: Write, store: Callable[[Write], Awaitable[None]]) -> None:
        self._strike(call)
        try:
            await store(write)
        except CommitUnknown:
            self.ambiguous.append(write)
            raise
        except StoreUnavailable:
            self.unavailable.append(write)
            if await self.stored(write):
                self.violations.append(f"{call} said that nothing was stored, and it was")
            raise

    async def stored(self, write: Write) -> bool:
        """Whether its dedupe record stands, as this write has it."""
        if write.dedupe is None:
            return False
        found = await self._direct.seen(write.key, write.dedupe.key)
        return any(each.reply == write.dedupe.reply for each in found)

    async def replies(self, write: Write, ring: KeyRing) -> list[bytes]:
        """What stands as the reply to the inbound of a write."""
        assert write.dedupe is not None, "every inbound has a name here"
        found = await self._direct.seen(write.key, write.dedupe.key)
        return [
            ring.unseal(each.reply, write.key, b"reply" + each.key)
            for each in found
            if each.reply is not None
        ]

    def _strike(self, call: str) -> None:
        if self._next is not None and self._next[0] == call:
            self._proxy.fault, self._next = self._next[1], None


class Shop:
    """A server with its store behind a proxy, a till, and what was seen."""

    def __init__(
        self, server: Server, armed: Armed, proxy: Proxy, till: Till, clock: Clock, seed: int
    ) -> None:
        self.figures: Counter[str] = Counter()
        self.violations: list[str] = []
        self.slowest = 0.0
        self._server = server
        self._armed = armed
        self._proxy = proxy
        self._till = till
        self._clock = clock
        self._chance = random.Random(seed)
        self._told: set[bytes] = set()
        """Every reply of the present case."""
        self._amounts = itertools.count(1_000)

    async def send(self, exchange: Exchange) -> bytes:
        """One request; within the budget, whatever hangs."""
        began = time.monotonic()
        answer = await call(
            self._server, "/ussd/africastalking", exchange.body, exchange.headers, method="POST"
        )
        took = time.monotonic() - began
        self.slowest = max(self.slowest, took)
        if took > BUDGET + SLACK:
            self.violations.append(f"answered after {took:.1f} s: {answer.body!r}")
        if answer.status != 200:
            self.violations.append(f"answered {answer.status}")
        self._told.add(answer.body)
        return answer.body

    async def case(self, stage: Stage, name: str) -> None:
        """One member, one fault."""
        where = f"{stage.call} of {stage.request}, {name}"
        fault, lasting = FAULTS[name]
        amount, hits = next(self._amounts), self._proxy.hits.total()
        shopper = Shopper(f"+256772{amount:06d}", amount)
        answered: dict[Exchange, bytes] = {}
        self._told.clear()
        exchange: Exchange | None = shopper.dial()
        said = b""
        for request in ("dial", "amount", "pin", *("again",) * TRIES):
            if exchange is None:
                break
            struck = request == stage.request
            if struck:
                self._armed.arm(stage.call, fault)
            lifting = asyncio.create_task(self._lift(lasting)) if struck else None
            said = (
                await self._twice(exchange, where)
                if self._chance.random() < 0.3
                else await self.send(exchange)
            )
            if lifting is not None:
                await lifting
                await self._check_unavailable(where)
            said = await self._insist(exchange, said)
            if said not in NO_TURNS:
                answered[exchange] = said
            exchange = shopper.next(said.decode())
        self.figures["cases"] += 1
        self.figures["faults that struck"] += self._proxy.hits.total() > hits
        if self._proxy.hits.total() == hits:
            self.violations.append(f"{where}: it never struck")
        if exchange is not None:
            self.violations.append(f"{where}: the member never read that it is paid: {said!r}")
        if self._till.paid[amount] != 1:
            self.violations.append(f"{where}: paid {self._till.paid[amount]} times")
        await self._check_replies(where, answered)
        await self._check_ambiguous(where)
        self.violations += [f"{where}: {line}" for line in self._armed.violations]
        self._armed.violations.clear()

    async def _lift(self, lasting: float) -> None:
        """End a fault that does not end by itself."""
        if lasting:
            await asyncio.sleep(lasting)
            self._proxy.fault = None

    async def _twice(self, exchange: Exchange, where: str) -> bytes:
        """A gateway that sends a request twice at the same time."""
        both = await asyncio.gather(self.send(exchange), self.send(exchange))
        real = [said for said in both if said not in NO_TURNS]
        if len({*real}) > 1:
            self.violations.append(f"{where}: at once {both}")
        return real[0] if real else both[0]

    async def _insist(self, exchange: Exchange, said: bytes) -> bytes:
        """Send the same request again until it is answered, or nothing more can come of it."""
        began, tries = time.monotonic(), 0
        while said in NO_TURNS and tries < 3 and time.monotonic() < began + SERVED_AGAIN:
            if said == APOLOGY:
                await asyncio.sleep(0.05)
            else:
                tries += 1
                self._clock.ahead += STEP
                await self._settle()
            said = await self.send(exchange)
        self.slowest_recovery = max(self.slowest_recovery, time.monotonic() - began)
        return said

    async def _settle(self) -> None:
        with contextlib.suppress(StoreUnavailable):
            await self._server.recovery.look()

    async def _check_unavailable(self, where: str) -> None:
        """What was not stored stays so when all that was under way has arrived."""
        for write in self._armed.unavailable:
            if await self._armed.stored(write):
                self.violations.append(f"{where}: refused, and stored later")
        self._armed.unavailable.clear()

    async def _check_replies(self, where: str, answered: dict[Exchange, bytes]) -> None:
        for exchange, reply in answered.items():
            again = await self.send(exchange)
            if again != reply:
                self.violations.append(f"{where}: {reply!r}, then {again!r}")

    async def _check_ambiguous(self, where: str) -> None:
        """Each stands, or does not, and what stands is what the member was told."""
        for write in self._armed.ambiguous:
            self.figures["ambiguous commits"] += 1
            self.figures["of these stored"] += await self._armed.stored(write)
            replies = await self._armed.replies(write, self._server.sessions.ring)
            if all(any(told in reply for told in self._told) for reply in replies):
                self.figures["resolved rightly"] += 1
            else:
                self.violations.append(
                    f"{where}: an ambiguous commit, stored is {replies}, told {self._told}"
                )
        self._armed.ambiguous.clear()

    async def outage(self, name: str, fault: Fault) -> None:
        """Many members while the store is away; then it is back."""
        members = [Shopper(f"+256752{n:06d}", n) for n in (next(self._amounts) for _ in range(CROWD))]
        self._proxy.fault = fault
        over = asyncio.create_task(asyncio.sleep(OUTAGE))
        told = 0

        async def wait(member: Shopper) -> None:
            nonlocal told
            while not over.done():
                said = await self.send(member.dial())
                told += said in NO_TURNS
                await asyncio.sleep(0.05)

        await asyncio.gather(*map(wait, members))
        self._proxy.fault = None
        back = time.monotonic()
        somebody = Shopper(
            f"+256762{next(self._amounts):06d}", 1
        )  # no claim that arrives late has their session
        while await self.send(somebody.dial()) in NO_TURNS:
            if time.monotonic() > back + SERVED_AGAIN:
                self.violations.append(f"outage, {name}: not served again after {SERVED_AGAIN:.0f} s")
                break
            await asyncio.sleep(0.02)
        took = time.monotonic() - back
        self.figures["told in outages"] += told
        self.slowest_recovery = max(self.slowest_recovery, took)
        self._clock.ahead += 30
        await asyncio.gather(*(self._buy(member, f"outage, {name}") for member in members))

    slowest_recovery = 0.0

    async def _buy(self, member: Shopper, where: str) -> None:
        said = await self.send(member.dial())
        for _ in range(TRIES):
            exchange = member.next(said.decode())
            if exchange is None:
                break
            said = await self._insist(exchange, await self.send(exchange))
        if self._till.paid[member.amount] != 1:
            self.violations.append(f"{where}: paid {self._till.paid[member.amount]} times, {said!r}")

    async def left_open(self) -> None:
        """In the end nothing is open."""
        self._clock.ahead += 4_000
        await self._settle()
        if left := await self._armed._direct.due(now=self._clock() + 1e6, limit=10):
            self.violations.append(f"left open: {left}")


@contextlib.asynccontextmanager
async def open_shop(folder: Path, ground: Ground, seed: int) -> AsyncIterator[Shop]:
    clock = Clock()
    async with Till() as till, Proxy(ground.target, seed=seed) as proxy:
        env = environment(folder / "data", KIKAO_STORE=ground.url)
        settings = load(env, folder, makes_keys=True)
        behind = load({**env, "KIKAO_STORE": ground.through(proxy.address)}, folder, makes_keys=True)
        direct = make_store(settings)
        await direct.open()
        armed = Armed(make_store(behind), proxy, direct)
        bank = Client(f"127.0.0.1:{till.port}")
        try:
            async with app(BUDGET).serving(
                behind, store=cast(SessionStore, armed), services={Bank: bank}, clock=clock, door=False
            ) as server:
                yield Shop(server, armed, proxy, till, clock, seed)
        finally:
            proxy.fault = None
            await direct.close()


async def run(folder: Path, kind: str, *, quick: bool, seed: int) -> Report:
    """Every fault at every stage, on one store."""
    cases = [(stage, name) for stage in STAGES for name in FAULTS]
    if quick:
        cases = random.Random(seed).sample(cases, 5)
    with GROUNDS[kind](folder / "store") as ground:
        async with open_shop(folder, ground, seed) as shop:
            for stage, name in cases:
                await shop.case(stage, name)
            if not quick:
                for name, fault in (
                    ("refused", faults.Refuse()),
                    ("half open", faults.HalfOpen()),
                    ("black hole", faults.BlackHole()),
                ):
                    await shop.outage(name, fault)
            await shop.left_open()
    figures = shop.figures
    return report(
        {
            "faults": figures["cases"],
            "faults that struck": figures["faults that struck"],
            "ambiguous commits": figures["ambiguous commits"],
            "of these stored": figures["of these stored"],
            "resolved rightly": figures["resolved rightly"],
            "told 'unavailable' in outages": figures["told in outages"],
            "longest wait for a reply (s)": round(shop.slowest, 2),
            "served again after (s)": round(shop.slowest_recovery, 2),
        },
        shop.violations,
        faults_that_struck=exactly(len(cases)),
        resolved_rightly=exactly(figures["ambiguous commits"]),
    )


async def postgresql(folder: Path, *, quick: bool, seed: int) -> Report:
    return await run(folder, "PostgreSQL", quick=quick, seed=seed)


async def valkey(folder: Path, *, quick: bool, seed: int) -> Report:
    return await run(folder, "Valkey", quick=quick, seed=seed)


async def redis(folder: Path, *, quick: bool, seed: int) -> Report:
    return await run(folder, "Redis", quick=quick, seed=seed)
