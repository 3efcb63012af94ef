"""A worker: the product's turns, recovery and sweeping in a simulated process that dies and is started again."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Coroutine
from contextvars import Context
from typing import TYPE_CHECKING, Any, Final, TypeVar

from kikao.channels.channel import Response
from kikao.channels.inbound import Inbound
from kikao.conversation import BackendError, Done, Unknown, Voided
from kikao.conversation.secrets import Secret
from kikao.events import Bus
from kikao.members import Unlisted
from kikao.sessions.keeper import Sessions
from kikao.sessions.recovery import Recovery
from kikao.sessions.sweeping import Sweeper
from kikao.sessions.working import Late
from kikao.turn import Turns
from tests.reliability.simulation import network
from tests.reliability.simulation.bank import Order
from tests.reliability.simulation.disk import MESSAGE, store_of
from tests.reliability.simulation.edge import SkewedClock
from tests.reliability.simulation.flows import Services
from tests.reliability.simulation.loop import Owner, within
from tests.reliability.simulation.posts import dispatcher
from tests.talk import PlainGateway

if TYPE_CHECKING:
    from tests.reliability.simulation.members import Message
    from tests.reliability.simulation.world import World

T = TypeVar("T")

RESTARTS: Final = (0.2, 3.0, 20.0)
"""Seconds until a worker that died is started again."""

EFFECT: Final = 12
"""Steps that a turn takes about an effect."""

LOOKS: Final = (9.0, 20.0, 45.0)
"""Seconds between two looks of recovery: each worker has its own."""


class Worker:
    """A place where one life follows the other."""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.name = name
        chance = world.chance
        self.clock = SkewedClock(world.loop, 0.0 if world.single else chance.uniform(-0.4, 0.4))
        self.looks = chance.choice(LOOKS)
        self.step = 0
        """Of a rotation of keys."""
        self.life: Life | None = None
        self._lives = itertools.count(1)

    def start(self) -> None:
        """A new life begins."""
        self.step = self.world.step
        self.life = Life(self, f"{self.name}.{next(self._lives)}")
        self.life.begin()

    def die(self) -> None:
        """kill -9; somebody starts it again after a while."""
        life, world = self.life, self.world
        assert life is not None
        self.life = None
        life.die()
        pause = 0.2 if world.calm else world.chance.choice(RESTARTS)
        world.loop.call_later(pause, self.start, context=Context())

    def rotate(self) -> None:
        """Started anew for other keys, unless it has them already."""
        if self.life is not None and self.step != self.world.step and not self.world.calm:
            self.die()


class Life(Owner):
    """One process."""

    def __init__(self, worker: Worker, name: str) -> None:
        super().__init__()
        world = worker.world
        self.worker = worker
        self.name = name
        self.world = world
        self.in_flight = 0
        """Requests that it sent, and that did not arrive yet or never will."""
        self.troubles = 0
        """How often the store did not answer it."""
        self.durable_at = 0.0
        """When an effect of it became durable last."""
        self.requests_die: bool | None = None
        """Whether what it sent is lost with it; None leaves that to chance."""
        self._connections: dict[asyncio.Future[None], None] = {}
        """Each is done when it is answered or broken. In order: a set of objects has another one in each process."""
        self.store = store_of(world, self)
        self.bus = Bus([world.heard])
        ring = world.rings[worker.step]
        self.sessions = Sessions(self.store, ring, world.policy, clock=worker.clock)
        services = {Services: Bank(self)}
        self.late = Late(self.sessions, self.bus)
        self.turns = Turns(
            world.engine,
            self.sessions,
            services,
            Unlisted(ring),
            translate=world.translate,
            publish=self.bus,
            late=self.late,
        )
        self.recovery = Recovery(
            self.sessions, world.engine, self.late, services, self.bus, every=worker.looks
        )
        self.sweeper = Sweeper(self.sessions, self.bus, every=world.sweeps)
        self.dispatcher = dispatcher(self) if world.posts else None
        self.context = within(self)

    def begin(self) -> None:
        """Open the store, then work; and plan the end, if the schedule has one."""
        world, weather = self.world, self.world.weather
        world.note(self.name, "starts")
        if not world.calm:
            if world.chance.random() < weather.deaths and world.may_die():
                self.until_death = world.chance.randint(1, weather.death_within)
            if world.chance.random() < weather.stalls:
                self.until_stall = world.chance.randint(1, weather.death_within)
        self.begun = self.spawn(self._live())

    async def _live(self) -> None:
        await self.store.open()
        if self.world.single or self.world.calm or self.world.chance.random() < 0.5:
            self.recovering = self.spawn(self.recovery.run())
        if self.dispatcher is not None:
            self.dispatching = self.spawn(self.dispatcher.run())
        if self.world.sweeps < 600.0:
            self.sweeping = self.spawn(self.sweeper.run())

    def in_effect(self) -> None:
        """An effect of this process has become durable, and is about to be performed."""
        world, weather = self.world, self.world.weather
        self.durable_at = world.loop.now
        if world.calm or self.dead:
            return
        if (
            weather.deaths_in_effects
            and world.chance.random() < weather.deaths_in_effects
            and world.may_die()
        ):
            self.until_death = world.chance.randint(1, EFFECT)
        if weather.stalls_in_effects and world.chance.random() < weather.stalls_in_effects:
            self.until_stall = world.chance.randint(1, EFFECT)

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """A task of this process."""
        return self.world.loop.create_task(work, context=self.context.copy())

    def die(self) -> None:
        """Nothing of it runs any more."""
        self.dead = True
        for connection in self._connections:
            _close(connection)

    def takes_along(self, what: str) -> bool:
        """Whether a request that was under way when this process died dies with it.

        What a process asks of its own disk always does: nothing is written by a process that is gone.
        """
        own_disk = self.world.single and not what.startswith("bank")
        if self.requests_die is not None:
            return own_disk or self.requests_die
        return own_disk or self.world.chance.random() < 0.5

    async def handle(self, inbound: Inbound, gateway: PlainGateway, message: Message) -> Response | None:
        """One request over a connection; None when that breaks, or nobody answers in time."""
        loop = self.world.loop
        connection: asyncio.Future[None] = loop.create_future()
        self._connections[connection] = None
        self.world.at_work = self
        self.world.changes += 1
        context = self.context.copy()
        context.run(MESSAGE.set, message)
        task = loop.create_task(self.turns.handle(inbound, gateway), context=context)
        task.add_done_callback(lambda task: _close(connection))
        hangs_up = loop.call_later(HANG_UP, _close, connection)
        await connection
        hangs_up.cancel()
        self._connections.pop(connection, None)
        self.world.changes += 1
        return None if self.dead or not task.done() else task.result()


HANG_UP: Final = 9.0
"""Seconds after which a gateway gives up on a request."""


def _close(connection: asyncio.Future[None]) -> None:
    if not connection.done():
        connection.set_result(None)


class Bank:
    """The bank as one life reaches it."""

    def __init__(self, life: Life) -> None:
        self._life = life
        self._world = life.world

    def people(self) -> tuple[str, ...]:
        """Who can be paid, in the order of today."""
        return self._world.people

    async def fee(self, minor: int) -> int:
        """Raises `BackendError` when nobody answers."""
        bank = self._world.bank

        async def run() -> int:
            return bank.fee(minor)

        try:
            return await self._world.network.call(self._life, "fee", run)  # type: ignore[no-any-return]
        except (network.Nobody, network.Refused):
            raise BackendError from None

    async def carry_out(self, order: Order, key: str, pin: Secret | None = None) -> Any:
        """See `kikao`'s outcomes; raises `TimeoutError` when nobody answers."""
        world = self._world
        world.laws.asked(order, key)

        async def run() -> Any:
            answer = world.bank.carry_out(order, key, pin)
            world.note("bank", f"{order.kind} {order.minor} under {key[:6]}: {type(answer).__name__}")
            world.laws.moved()
            return answer

        return await self._effect(key, order.kind, run)

    async def register(self, number: str, name: str, key: str, pin: Secret) -> Any:
        """The same."""
        world = self._world
        world.laws.asked(Order("register", number, name, 0), key)

        async def run() -> Any:
            return world.bank.register(number, name, key, pin)

        return await self._effect(key, "register", run)

    async def find(self, key: str) -> Done[Any] | Voided | Unknown:
        """Raises `TimeoutError` when nobody answers."""
        world = self._world
        world.laws.inquired(self._life, key)

        async def run() -> Any:
            answer = world.bank.find(key)
            world.note("bank", f"asked for {key[:6]}: {type(answer).__name__}")
            return answer

        try:
            return await world.network.call(self._life, "find", run)  # type: ignore[no-any-return]
        except (network.Nobody, network.Refused):
            raise TimeoutError from None

    async def _effect(self, key: str, what: str, run: network.Run) -> Any:
        world, life = self._world, self._life
        if not world.bank.keeps_refusals and life.awake_at > life.durable_at:
            world.note(life.name, f"{what} is too late: another may have been there")
            raise ConnectionRefusedError
        world.laws.begins(life, key)
        try:
            return await world.network.call(life, what, run)
        except network.Nobody:
            raise TimeoutError from None
        except network.Refused:
            raise ConnectionRefusedError from None
        finally:
            world.laws.ends(life, key)
