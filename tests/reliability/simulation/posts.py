"""Another system that flows post to: what reaches it, in which order, how often; and a worker's way there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kikao.channels.outbox import Delivered, Destination, Dispatcher, Letter
from kikao.sessions.outgoing import Outgoing
from tests.reliability.simulation import laws, network

if TYPE_CHECKING:
    from tests.reliability.simulation.worker import Life
    from tests.reliability.simulation.world import World

CRM: Final = "webhook/crm"
POLL: Final = 20.0
"""Seconds between two looks of a worker that nobody woke."""


class Receiver:
    """Takes whatever comes, and knows the laws of what may come."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._lanes: dict[bytes, list[bytes]] = {}
        """Ids in the order in which they were stored, by session."""
        self._session: dict[bytes, bytes] = {}
        self._bodies: dict[bytes, bytes] = {}
        self._received: set[bytes] = set()

    def stored(self, messages: tuple[Outgoing, ...]) -> None:
        """A turn stored these."""
        for message in messages:
            self._world.count("messages posted")
            self._lanes.setdefault(message.session, []).append(message.id)
            self._session[message.id] = message.session
            body = self._world.ring.plain[message.payload]
            once = self._world.weather.idle > laws.EXPIRES_IN_DIALOGUES
            if self._bodies.setdefault(body, message.id) != message.id and once:
                self._world.laws.broken(laws.POSTED_TWICE)

    def receive(self, letter: Letter) -> None:
        """A message arrives."""
        world = self._world
        world.note("crm", f"receives {letter.id.hex()[:6]}, try {letter.tries}: {letter.body.decode()}")
        session = self._session.get(letter.id)
        if session is None:
            world.laws.broken(laws.NEVER_POSTED)
            return
        if letter.id in self._received:
            world.count("messages received again")
            return
        lane = self._lanes[session]
        if any(earlier not in self._received for earlier in lane[: lane.index(letter.id)]):
            world.laws.broken(laws.DISORDERED)
        self._received.add(letter.id)

    def missing(self) -> int:
        """How many messages never came."""
        return len(self._session.keys() - self._received)


class Crm:
    """The sender of one life."""

    def __init__(self, life: Life) -> None:
        self._life = life

    async def send(self, letter: Letter) -> Delivered:
        """See `kikao.channels.outbox.Sender`."""
        world = self._life.world

        async def run() -> None:
            world.receiver.receive(letter)

        try:
            await world.network.call(self._life, "crm", run)
        except network.Nobody:
            raise TimeoutError from None
        except network.Refused:
            raise ConnectionRefusedError from None
        return Delivered()


def dispatcher(life: Life) -> Dispatcher:
    """The product's dispatcher, in one life."""
    destination = Destination(sender=Crm(life), tries=10_000, timeout=5.0)
    found = Dispatcher(
        life.sessions, {CRM: destination}, life.bus, poll=POLL, chance=life.world.chance.random
    )
    life.sessions.posted = lambda key: found.wake()
    return found
