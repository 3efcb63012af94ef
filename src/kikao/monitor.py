"""The numbers of a running app, brought together for whoever scrapes it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Final

from kikao.config import MEMORY, Settings
from kikao.events import Bus
from kikao.metrics import Counters, PhaseTimes
from kikao.metrics.declared import (
    OPEN_INTENTS,
    OUTBOX_DEAD,
    OUTBOX_OLDEST,
    OUTBOX_WAITING,
    PHASE_SECONDS,
    QUEUE_DEPTH,
    SHARDS,
    WORKERS,
)
from kikao.metrics.exposition import exposition
from kikao.metrics.group import FOLDER, Group
from kikao.metrics.numbers import Labels
from kikao.metrics.snapshot import Snapshot, merged
from kikao.sessions.sharing import Shares
from kikao.sessions.store import SessionStore, StoreUnavailable
from kikao.sessions.timing import TimedStore
from kikao.sessions.working import Late

MOST_INTENTS: Final = 1000
"""Open intents are counted no further."""

PATIENCE: Final = 1.0
"""Seconds that the store gets to tell how many there are; numbers are needed most when it is slow."""

FAR: Final = 1e12
"""A moment by which everything is due."""


class Monitor:
    """What one process has measured, and its place among the workers that share its data folder."""

    def __init__(self) -> None:
        self.counters = Counters()
        self.times = PhaseTimes()
        self.inbounds = 0
        """Requests of gateways that are being answered."""
        self._store: TimedStore | None = None
        self._late: Late | None = None
        self._bus: Bus | None = None
        self._shares: Shares | None = None
        self._group: Group | None = None
        self._clock: Callable[[], float] = time.time
        self._measures: list[Callable[[Snapshot], None]] = []

    @contextlib.contextmanager
    def answering(self) -> Iterator[None]:
        """While a request of a gateway is answered."""
        self.inbounds += 1
        try:
            yield
        finally:
            self.inbounds -= 1

    def timed(self, store: SessionStore) -> SessionStore:
        """The store to use in its place, so that it is measured."""
        self._store = TimedStore(store)
        return self._store

    def follow(self, bus: Bus, late: Late, shares: Shares, clock: Callable[[], float] = time.time) -> None:
        """Count events, those that wait for subscribers, the effects that outlive their turns, and the shards.

        By `clock` it is told how long messages wait.
        """
        self._clock = clock
        bus.on(self.counters.listens_to, self.counters)
        self._bus, self._late, self._shares = bus, late, shares

    def ask(self, measure: Callable[[Snapshot], None]) -> None:
        """Have this put numbers of its own in, whenever somebody wants to know."""
        self._measures.append(measure)

    async def join(self, settings: Settings) -> None:
        """Share the numbers with the other workers in the data folder, if there is one that can be used."""
        if settings.data.is_dir():
            group = Group(settings.data / FOLDER, self.take, shared_store=settings.store != MEMORY)
            with contextlib.suppress(OSError):
                await asyncio.to_thread(group.join)
                self._group = group

    async def run(self) -> None:
        """Keep what other workers know of this one fresh; cancel it to stop."""
        if self._group is not None:
            await self._group.run()

    async def leave(self) -> None:
        """The end of this process: what it counted stays with the other workers."""
        group, self._group = self._group, None
        if group is not None:
            await group.leave()

    async def exposition(self) -> bytes:
        """The numbers of all workers in the Prometheus text format."""
        if self._group is not None:
            return await exposition(await self._group.merged())
        snapshot = merged([await self.take()])
        snapshot.gauge(WORKERS, {(): 1.0})
        return await exposition(snapshot)

    async def take(self) -> Snapshot:
        """The numbers of this process as they are now."""
        snapshot, store = Snapshot(), self._store
        self.counters.into(snapshot)
        for measure in self._measures:
            measure(snapshot)
        snapshot.time(PHASE_SECONDS, self.times.series())
        queues: dict[Labels, float] = {("inbounds",): float(self.inbounds)}
        if self._late is not None:
            queues["effects",] = float(len(self._late))
        if self._bus is not None:
            queues["events",] = float(self._bus.waiting)
        if store is not None:
            queues["store_writes",] = float(store.waiting)
            store.into(snapshot)
            with contextlib.suppress(StoreUnavailable, TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    intents = await store.store.due(now=FAR, limit=MOST_INTENTS)
                snapshot.gauge(OPEN_INTENTS, {(): float(len(intents))})
                async with asyncio.timeout(PATIENCE):
                    backlog, now = await store.store.backlog(), self._clock()
                snapshot.gauge(OUTBOX_WAITING, {(each.to,): float(each.waiting) for each in backlog})
                snapshot.gauge(OUTBOX_DEAD, {(each.to,): float(each.dead) for each in backlog})
                oldest: dict[Labels, float] = {
                    (each.to,): max(0.0, now - each.oldest) for each in backlog if each.oldest is not None
                }
                snapshot.gauge(OUTBOX_OLDEST, oldest)
        snapshot.gauge(QUEUE_DEPTH, queues)
        if self._shares is not None:
            snapshot.gauge(SHARDS, {(): float(len(self._shares.shards))})
        return snapshot
