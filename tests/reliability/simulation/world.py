"""One seed: a world is made, troubled, left alone until it is calm, and judged."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, Final

from kikao.conversation.engine import Engine
from kikao.events.event import Event
from kikao.i18n import Catalogs
from kikao.sessions.limits import Limits
from kikao.sessions.policy import SessionPolicy
from kikao.sessions.stores.memory import MemoryStore
from tests.reliability.simulation import laws
from tests.reliability.simulation.bank import Bank
from tests.reliability.simulation.edge import simulated
from tests.reliability.simulation.flows import PEOPLE, make_flows
from tests.reliability.simulation.laws import Laws, Ring
from tests.reliability.simulation.loop import Loop
from tests.reliability.simulation.members import Gateway, Member
from tests.reliability.simulation.network import Network
from tests.reliability.simulation.posts import Receiver
from tests.reliability.simulation.weather import Weather, drawn
from tests.reliability.simulation.worker import Life, Worker

MEMBERS: Final = (("+256772000001", "73910482", "66060110"), ("+256772000002", "82647731", "66070440"))
"""Numbers, with the right PIN and a wrong one. Eight digits are in nothing by chance."""

PINS: Final = tuple(pin.encode() for _, *pins in MEMBERS for pin in pins)
MOST_DEATHS: Final = 4

CALM: Final = 50.0
"""Seconds until whatever is under way has come to an end: the longest stall, and a lease."""

ENGINE: Final = Engine(make_flows(), entry="main")
TRANSLATE: Final = Catalogs().translate
RING: Final = Ring({"test": bytes(range(32))})
RING.plain = {}
LAST_STEP: Final = 2
"""Of a rotation of keys: only the old one, also the new one, and the new one seals."""
_POLICIES: dict[float, SessionPolicy] = {}


class World:
    """One seed's world. `tracing` keeps a line for everything that happens."""

    pins = PINS
    engine = ENGINE
    translate = staticmethod(TRANSLATE)

    def __init__(
        self,
        seed: int,
        loop: Loop,
        *,
        tracing: bool = False,
        weather: Weather | None = None,
        single: bool | None = None,
    ) -> None:
        self.loop = loop
        self.tracing = tracing
        self.trace: list[str] = []
        self.counts: Counter[str] = Counter()
        self.chance = chance = random.Random(seed)
        self.weather = weather or drawn(chance)
        self.calm = False
        self.deaths = 0
        self.changes = 0
        """What left a worker or came to one, and what reached the store and the bank."""
        self.delays: dict[str, tuple[float, float]] = {}
        """Seconds there and back of some kinds of requests, where a conversation is about them."""
        self.silenced: dict[str, int] = {}
        """Of some kinds, so many get no answer."""
        self.at_work: Life | None = None
        """Which process was given a request last."""
        self.ring = RING
        self.ring.world = self
        self.ring.plain.clear()
        self.rings = _rotation(self) if self.weather.rotates else (RING,)
        """The keys of each step of a rotation."""
        self.step = 0
        """The step that workers which start are at."""
        self.laws = Laws(self)
        self.network = Network(self)
        self.store = MemoryStore()
        self.bank = Bank(
            tombstones=chance.random() < self.weather.tombstones, keeps_refusals=chance.random() < 0.5
        )
        self.bank_patience = chance.choice((3.0, 10.0, 60.0))
        self.people: tuple[str, ...] = PEOPLE
        """Who can be paid, in the order in which it is shown."""
        self.gateway = Gateway(self.weather.retention)
        self.policy = _policy(self.weather.idle)
        self.timed = chance.random() < self.weather.timed
        """Whether gateways tell when a message was sent."""
        self.posts = False
        """Whether anybody posts messages to another system: workers then look after what leaves."""
        self.receiver = Receiver(self)
        self.sweeps = 6.0 if self.weather.idle < 100.0 else 600.0
        """Seconds between two sweeps."""
        self.single = chance.random() < 0.25 if single is None else single
        """One process on one machine; otherwise two, on a shared store."""
        self.workers = [Worker(self, f"w{i}") for i in range(1 if self.single else 2)]
        self._amounts = itertools.count(501)
        loop.on_death = self._dies  # type: ignore[assignment]
        loop.on_stall = self._stalls  # type: ignore[assignment]

    # What happens, for whoever looks on.

    def note(self, who: str, what: str) -> None:
        """A line of the trace."""
        if self.tracing:
            self.trace.append(f"{self.loop.now:9.3f} {who:<6} {what}")

    def count(self, what: str) -> None:
        """Something of a kind that is counted happened."""
        self.counts[what] += 1

    def trouble(self, where: str, what: str) -> None:
        """Something went wrong as the schedule wants it."""
        kind = "bank: " if where.startswith("bank") else "" if where in ("gateway", "member") else "store: "
        self.counts[f"{kind}{what}"] += 1
        self.note("TROUBLE", f"{where}: {what}")

    def heard(self, event: Event) -> None:
        """Something of the product's."""
        if getattr(event, "what", "") == "failed" and not self.loop.ghosts:
            error = str(getattr(event, "error", ""))
            if not error.startswith(("BackendError", "TimeoutError", "StoreUnavailable")):
                self.laws.broken(laws.BROKE, f"{type(event).__name__}: {error}")
        if self.tracing:
            self.note("event", f"{event}"[:200])

    # What the parts of the world ask of it.

    def amount(self) -> str:
        """An amount that nobody typed before."""
        return str(next(self._amounts))

    def reorders(self) -> None:
        """The list in which members choose has another order."""
        others = [order for order in itertools.permutations(PEOPLE) if order != self.people]
        self.people = self.chance.choice(others)
        self.trouble("gateway", "lists changed")

    def rotates(self) -> None:
        """The next step of a rotation begins, once all workers are at the one before."""
        done = all(worker.life is not None and worker.step == self.step for worker in self.workers)
        if self.step == LAST_STEP or not done:
            return
        self.step += 1
        self.trouble("gateway", "keys rotated")
        for worker in self.workers:
            self.loop.call_later(self.chance.random() * 5.0, worker.rotate, context=Context())

    def may_die(self) -> bool:
        """Whether there have not been enough deaths."""
        return self.deaths < MOST_DEATHS

    def pick(self) -> Life | None:
        """A worker, as a balancer picks one: it may just have died."""
        life = self.chance.choice(self.workers).life
        if life is None:
            living = [worker.life for worker in self.workers if worker.life is not None]
            life = living[0] if living else None
        return life

    def open_intents(self, key: bytes) -> set[bytes]:
        """The index of open effects of a session, as it is stored."""
        return {row.id for row in at_once(self.store.due(now=1e15, limit=100)) if row.session == key}

    def _dies(self, life: Life) -> None:
        self.deaths += 1
        self.trouble("gateway", "workers killed")
        self.note(life.name, "dies")
        life.worker.die()

    def _stalls(self, life: Life) -> None:
        seconds = self.chance.choice(self.weather.stalled)
        life.awake_at = self.loop.now + seconds
        self.trouble("gateway", "workers stopped")
        self.note(life.name, f"stands still for {seconds:g} s")

    # The course of things.

    async def run(self) -> None:
        """Trouble, calm, judgement."""
        chance = self.chance
        members = []
        for number, pin, wrong in MEMBERS[: 1 if chance.random() < 0.8 else 2]:
            self.bank.open(number, pin)
            flow = "11122334"[int(chance.random() * 8)]
            self.posts = self.posts or flow == "3"
            member = Member(self, number, pin, wrong, flow, single=chance.random() < self.weather.single)
            members.append(member)
        for worker in self.workers:
            worker.start()
        lives = [
            self.loop.create_task(member.live(chance.choice(self.weather.screens))) for member in members
        ]
        await asyncio.wait(lives)
        for life in lives:
            life.result()
        await self._clears()
        await self._judged(members)

    async def _clears(self) -> None:
        """Whatever happened, everything comes to its end."""
        self.calm = True
        for worker in self.workers:
            if worker.life is not None:
                worker.life.until_death = worker.life.until_stall = 0
        await asyncio.sleep(CALM)

    async def _judged(self, members: list[Member]) -> None:
        for member in members:
            await member.rest()
            await member.remember()
        life = self.workers[0].life
        assert life is not None
        for pause in (60.0, 700.0, 4000.0):
            if not at_once(self.store.due(now=1e15, limit=1)):
                break
            await asyncio.sleep(pause)
            await life.spawn(life.recovery.once())
        else:
            if self.bank.tombstones and at_once(self.store.due(now=1e15, limit=1)):
                self.laws.broken(laws.UNSETTLED)
        self.laws.moved()
        if life.dispatcher is not None:
            for pause in (0.0, 100.0, 200.0, 4000.0):
                await asyncio.sleep(pause)
                if not self.receiver.missing():
                    break
                await life.spawn(life.dispatcher.once())
            if self.receiver.missing():
                self.laws.broken(laws.MESSAGE_LOST)
        if self.chance.random() < 0.25 and not await self.chance.choice(members).pays():
            self.laws.broken(laws.STUCK)
        self.counts["orders carried out"] += len(self.bank.movements)
        self.counts[f"weather: {self.weather.name}"] += 1

    async def end(self) -> None:
        """Let go of everything: tasks of the dead, too, run out now."""
        self.loop.raise_ghosts()
        this = asyncio.current_task()
        while running := [task for task in self.loop.tasks if task is not this and not task.done()]:
            self.loop.tasks = running
            for task in running:
                task.cancel()
            await asyncio.wait(running, timeout=1.0)


def simulate(seed: int, *, tracing: bool = False, prepare: Callable[[World], None] | None = None) -> World:
    """One seed, to its end. `prepare` may change the world before anything happens."""
    loop = Loop()  # type: ignore[abstract]
    with simulated(seed, loop):
        world = World(seed, loop, tracing=tracing)
        if prepare is not None:
            prepare(world)
        loop.run(_whole(world))
    return world


async def _whole(world: World) -> None:
    try:
        await world.run()
    finally:
        await world.end()


def at_once(coro: Coroutine[Any, Any, Any]) -> Any:
    """What a coroutine returns that waits for nothing."""
    try:
        coro.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("it waits for something")


def _rotation(world: World) -> tuple[Ring, ...]:
    """What workers hash with stays: a store is moved to another key of that kind while nothing runs."""
    old, new = ("test", bytes(range(32))), ("next", bytes(range(32, 64)))
    rings = (RING, Ring(dict((old, new))), Ring(dict((new, old)), lookup="test"))
    for ring in rings:
        ring.world, ring.plain = world, RING.plain
    return rings


def _policy(idle: float) -> SessionPolicy:
    if idle not in _POLICIES:
        _POLICIES[idle] = SessionPolicy(idle=idle, limits=Limits(address=None, member=None))
    return _POLICIES[idle]
