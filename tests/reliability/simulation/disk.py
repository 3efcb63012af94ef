"""The store of a simulated world: the product's store logic, unmodified, at the end of a network.

`Remote` is a store as one life of a worker sees it; all of them ask the same one. Leases and fences are that one's, as
in a database: a worker that starts lets go of nobody's lease, and who waits for a session asks again and again. `Local`
is the store of a single process on one machine, whose start voids the leases of the process before.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast

from msgspec import structs

from kikao.sessions.store import (
    Busy,
    Claim,
    CommitUnknown,
    Duplicate,
    Record,
    SessionStore,
    StoreUnavailable,
)
from kikao.testing import ProcessDied
from tests.reliability.simulation.network import Nobody, Refused

if TYPE_CHECKING:
    from tests.reliability.simulation.members import Message
    from tests.reliability.simulation.worker import Life
    from tests.reliability.simulation.world import World

FIRST_PAUSE: Final = 0.02
LONGEST_PAUSE: Final = 0.5
"""Seconds between two looks of who waits for a session."""

MESSAGE: ContextVar[Message | None] = ContextVar("message", default=None)
"""What the task at work processes."""

WRITES: Final = frozenset({"intent", "commit"})
UNKNOWN: Final = WRITES | {"post", "settle"}
"""What may have been stored when nobody answers."""


class Remote:
    """A `SessionStore` over the network, for one life of a worker."""

    def __init__(self, world: World, life: Life) -> None:
        self._world = world
        self._life = life

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        """Every method that is not here is asked for over the network as it is."""

        def asked(*args: Any, **kwargs: Any) -> Awaitable[Any]:
            return self._ask(name, *args, **kwargs)

        setattr(self, name, asked)
        return asked

    async def _ask(self, name: str, *args: Any, **kwargs: Any) -> Any:
        world = self._world
        method, message = getattr(world.store, name), MESSAGE.get()

        async def run() -> Any:
            result = await method(*args, **kwargs)
            if name in WRITES:
                world.laws.written(args[0], name)
                if message is not None:
                    message.consumed = True
                if name == "intent":
                    self._life.in_effect()
            elif result and name in ("sweep", "end"):
                world.laws.swept += 1
            return result

        try:
            return await world.network.ask(self._life, name, run)
        except Refused:
            raise StoreUnavailable("refused") from None
        except Nobody:
            self._life.troubles += 1
            _unanswered(name)

    async def open(self) -> None:
        if self._life.dead:
            raise ProcessDied

    async def close(self) -> None:
        return None

    async def claim(
        self, key: bytes, dedupe: bytes | None, *, now: float, lease: float, wait: float
    ) -> Claim | Duplicate | Busy:
        world = self._world
        began, pause = world.loop.now, FIRST_PAUSE
        arrival: int | None = None
        while True:
            waited = world.loop.now - began
            found = await self._ask("claim", key, dedupe, now=now + waited, lease=lease, wait=0.0)
            if isinstance(found, Claim) and arrival is not None:
                return structs.replace(found, version_on_arrival=arrival)
            if not isinstance(found, Busy) or waited >= wait:
                return found  # type: ignore[no-any-return]
            if arrival is None:
                arrival = 0 if found.record is None else found.record.version
            await asyncio.sleep(min(pause, max(wait - waited, 0.001)))
            pause = min(pause * 2, LONGEST_PAUSE)

    def scan(self) -> AsyncIterator[Record]:
        return self._world.store.scan()


class Local(Remote):
    """The same for the only process of a machine: it stands in line for a session, in the process itself."""

    async def open(self) -> None:
        await super().open()
        await self._world.store.open()

    async def claim(
        self, key: bytes, dedupe: bytes | None, *, now: float, lease: float, wait: float
    ) -> Claim | Duplicate | Busy:
        if self._life.dead or self._world.loop.ghosts:
            raise ProcessDied
        return await self._world.store.claim(key, dedupe, now=now, lease=lease, wait=wait)


def store_of(world: World, life: Life) -> SessionStore:
    """The store as one life of a worker sees it."""
    return cast(SessionStore, (Local if world.single else Remote)(world, life))


def _unanswered(name: str) -> NoReturn:
    if name in UNKNOWN:
        raise CommitUnknown(f"{name}: no answer")
    raise StoreUnavailable(f"{name}: no answer")
