"""The stores that the contract holds for, each with a way to let time pass and to lose what it has."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final, Protocol

from kikao.live.stores.memory import MemoryLive
from kikao.live.stores.store import LEASE, LiveStore

BRIEF: Final = 0.03
"""Seconds of what is to be over soon: servers count for themselves, and tests wait for it."""

LONG: Final = 1000.0
"""Seconds of what is to last for the whole test."""


class Place(Protocol):
    """Where one store is kept."""

    def client(self) -> AbstractAsyncContextManager[LiveStore]:
        """That of one more process."""
        ...

    async def passes(self, seconds: float) -> None:
        """At least so many seconds go by."""
        ...

    async def lapse(self, node: str, *, alive: Collection[str] = ()) -> None:
        """The lease of a node is over, those of others go on."""
        ...


class Clock:
    """Counts, and says when it is; stands still until told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Memory:
    """One process: all clients are the same."""

    def __init__(self) -> None:
        self.clock = Clock()
        self._store: LiveStore = self._make()

    def _make(self) -> LiveStore:
        return MemoryLive(clock=self.clock, wall=lambda: 1e9 + self.clock())

    @asynccontextmanager
    async def client(self) -> AsyncIterator[LiveStore]:
        await self._store.open()
        try:
            yield self._store
        finally:
            await self._store.close()

    async def passes(self, seconds: float) -> None:
        self.clock.now += seconds

    async def lapse(self, node: str, *, alive: Collection[str] = ()) -> None:
        self.clock.now += LEASE
        for other in alive:
            await self._store.beat(other)
