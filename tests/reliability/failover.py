"""A failover of Redis, with and without the ledger: what was acknowledged, what survived, what was paid twice.

Redis answers before a replica has heard. Here the replica hears nothing for a while, as behind a network that stalls;
then the primary is killed and the replica takes its place. Members had been served all the time, and some were in the
middle of a payment. Everybody goes on as people do: what was not answered is sent again, and each screen is answered.

Alone, Redis forgets what it had acknowledged: that is shown, not hidden. With the ledger of critical effects in SQL it
still forgets screens, and never an effect: none is paid twice, and every one that was open is settled and told.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from kikao import server
from kikao.channels.ussd.clients.client import Exchange
from kikao.config import load
from kikao.conversation.outcomes import Done, Refused
from kikao.opening import make_store
from kikao.server import Server
from kikao.sessions.store import SessionStore
from kikao.sessions.stores.redis import RedisStore
from tests.engines.proxy import BlackHole, Proxy
from tests.engines.valkey import Redis, Valkey
from tests.http.asgi import call
from tests.http.servers import environment
from tests.reliability.members import APOLOGY
from tests.reliability.report import Report, at_least, exactly, report
from tests.reliability.shopping import NO_TURNS, Shopper, app
from tests.reliability.store_faults import Clock
from tests.reliability.till import Bank, Client, Receipt, Till
from tests.waiting import until

BUDGET: Final = 1.5
TRIES: Final = 60
STEP: Final = 6.0
"""Seconds by which the clock moves on between two tries, so that leases lapse and recovery looks."""


vars(server)["SHUTDOWN"] = 0.1  # seconds, in this process only: effects that hang are meant to be lost


class Gated(Client):
    """A client of the till that keeps its answer back while the gate is closed: the effect has happened."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.gate = asyncio.Event()
        self.gate.set()
        self.held: set[int] = set()

    async def pay(self, amount: int, key: str) -> Done[Receipt] | Refused:
        answer = await super().pay(amount, key)
        if not self.gate.is_set():
            self.held.add(amount)
            await asyncio.Event().wait()  # the process will not live to hear it
        return answer


class Pair:
    """A primary and a replica that hears of it through a proxy, behind the address of the one that serves."""

    def __init__(self, folder: Path, kind: type[Valkey]) -> None:
        self.primary, self.replica = kind(folder / "primary"), kind(folder / "replica")
        self.front = Proxy(f"127.0.0.1:{self.primary.port}")
        self.between = Proxy(f"127.0.0.1:{self.primary.port}")

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Pair]:
        try:
            for server in (self.primary, self.replica):
                await asyncio.to_thread(server.start)
            async with self.front, self.between:
                self.replica.ask("REPLICAOF", "127.0.0.1", self.between.port)
                await until(self._follows, "the replica to follow")
                yield self
        finally:
            for server in (self.primary, self.replica):
                server.remove()

    async def caught_up(self) -> None:
        """Wait until the replica has all that the primary has."""
        here = self.primary.ask("ROLE")[1]

        async def caught_up() -> bool:
            return (await asyncio.to_thread(self.replica.ask, "ROLE"))[4] >= here  # type: ignore[no-any-return]

        await until(caught_up, "the replica to catch up")

    async def _follows(self) -> bool:
        return (await asyncio.to_thread(self.replica.ask, "ROLE"))[3] == b"connected"  # type: ignore[no-any-return]

    def fail_over(self) -> None:
        self.primary.kill()
        self.between.cut()
        self.replica.ask("REPLICAOF", "NO", "ONE")
        self.front.target = f"127.0.0.1:{self.replica.port}"
        self.front.cut()


class Street:
    """Members who buy, whatever happens; and what they were told."""

    def __init__(self, till: Till, clock: Clock) -> None:
        self.acknowledged: dict[Exchange, bytes] = {}
        self.changed = 0
        self.stuck: list[str] = []
        self.server: Server
        self._till = till
        self._clock = clock

    async def send(self, exchange: Exchange) -> bytes:
        answer = await call(
            self.server, "/ussd/africastalking", exchange.body, exchange.headers, method="POST"
        )
        if answer.body not in NO_TURNS:
            before = self.acknowledged.setdefault(exchange, answer.body)
            self.changed += before != answer.body
        return answer.body

    async def to_the_pin(self, member: Shopper) -> Exchange:
        """Dial and say the amount; the request with the PIN, not sent yet."""
        said = await self.send(member.dial())
        while "PIN?" not in said.decode():
            said = await self.send(member.next(said.decode()) or member.dial())
        exchange = member.next(said.decode())
        assert exchange is not None
        return exchange

    async def goes_on(self, member: Shopper, exchange: Exchange) -> None:
        """Send again what was not answered, then do what the screens say, until it reads that it is paid."""
        said = b""
        for tries in range(TRIES):
            said = await self.send(exchange)
            if said == APOLOGY:
                await asyncio.sleep(0.05)
            elif said in NO_TURNS:
                self._clock.ahead += STEP
                await self.server.recovery.look()
                if tries % 4 == 3:
                    exchange = member.dial()
            else:
                following = member.next(said.decode())
                if following is None:
                    return
                exchange = following
        self.stuck.append(f"{member.number} never reads that it is paid: {said!r}")


async def run(folder: Path, *, ledgered: bool, each: int, kind: type[Valkey]) -> Report:
    """`each` members who paid before the stall, paid during it, are asked for the PIN, and are paying."""
    clock = Clock()
    async with Pair(folder, kind).running() as pair, Till() as till:
        env = environment(folder / "data", KIKAO_STORE=f"redis://{pair.front.address}/0")
        settings = load(env, folder, makes_keys=True)
        bank, street = Gated(f"127.0.0.1:{till.port}"), Street(till, clock)

        def store() -> SessionStore:
            return make_store(settings) if ledgered else RedisStore(settings.store[:])

        members = [Shopper(f"+256772{n:06d}", n) for n in range(1_000, 1_000 + 4 * each)]
        early, paid, asked, paying = (members[at::4] for at in range(4))
        async with app(BUDGET).serving(
            settings, store=store(), services={Bank: bank}, clock=clock, door=False, background=False
        ) as street.server:
            for member in early:
                await street.goes_on(member, member.dial())
            await pair.caught_up()
            before = len(street.acknowledged)
            pair.between.fault = BlackHole()
            last = {member: await street.to_the_pin(member) for member in [*paid, *asked, *paying]}
            for member in paid:
                await street.goes_on(member, last[member])
            bank.gate.clear()
            under_way = [asyncio.create_task(street.send(last[member])) for member in paying]
            await until(lambda: len(bank.held) == len(paying), "all to be paid")
            acknowledged = dict(street.acknowledged)
            pair.fail_over()
            await asyncio.gather(*under_way, return_exceptions=True)
        bank.gate.set()
        held = {member for member in paying if member.amount in bank.held}
        clock.ahead += 30.0
        # The process ends with its primary: what it knew does not help anybody.
        bank = Client(f"127.0.0.1:{till.port}")  # type: ignore[assignment]
        beside = RedisStore(settings.store[:])
        await beside.open()
        async with app(BUDGET).serving(
            settings, store=store(), services={Bank: bank}, clock=clock, door=False, background=False
        ) as street.server:
            kept = [seen async for record in beside.scan() for seen in await beside.seen(record.key)]
            survived = sum(seen.reply is not None for seen in kept)
            known = len(await street.server.sessions.store.due(now=clock() + 1e6, limit=1_000))
            street.changed = 0
            for member in [*paid, *paying]:  # a gateway that had no answer, or lost it, sends again
                await street.goes_on(member, last[member])
            for member in asked:
                await street.goes_on(member, member.dial())
            clock.ahead += 4_000
            await street.server.recovery.look()
            left = await street.server.sessions.store.due(now=clock() + 1e6, limit=10)
        await beside.close()
    times = Counter(till.paid[member.amount] for member in members)
    doubled = sum(count for paid_times, count in times.items() if paid_times > 1)
    violations = list(street.stuck)
    if till.paid.total() and times[0]:
        violations.append(f"{times[0]} never paid")
    if left and ledgered:
        violations.append(f"left open: {left}")
    figures = {
        "turns acknowledged": len(acknowledged),
        "of these while the replica stalled": len(acknowledged) - before,
        "survived the failover": survived,
        "lost": len(acknowledged) - survived,
        "effects under way at the failover": len(held),
        "of these forgotten": len(held) - min(known, len(held)),
        "payments doubled": doubled,
    }
    shown = f" ({'with' if ledgered else 'without'} the ledger)"
    found = Report({name + shown: value for name, value in figures.items()}, violations)
    if ledgered:
        found.musts = {
            f"of these forgotten{shown}": exactly(0),
            f"payments doubled{shown}": exactly(0),
        }
    else:  # else the stall was none, and the other half shows nothing
        found.musts = {f"lost{shown}": at_least(1), f"of these forgotten{shown}": at_least(1)}
        found.violations = []
    return found


async def part(folder: Path, *, quick: bool, seed: int) -> Report:
    """Both, one after the other."""
    each = 3 if quick else 25
    together = report({}, [])
    for ledgered in (False, True):
        (where := folder / str(ledgered)).mkdir()
        found = await run(where, ledgered=ledgered, each=each, kind=Redis if seed % 2 else Valkey)
        together.figures |= found.figures
        together.musts |= found.musts
        together.violations += found.violations
    return together
