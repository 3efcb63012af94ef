"""The sweeper: everything that is expired, a batch at a time, and one event of it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import pytest

from kikao.events import Event, SweepDone
from kikao.sessions.keeper import Sessions
from kikao.sessions.outgoing import EVERY_SHARD
from kikao.sessions.sealing import KeyRing
from kikao.sessions.store import Claim, StoreUnavailable, Write
from kikao.sessions.stores.memory import MemoryStore
from kikao.sessions.sweeping import BATCH, Sweeper
from kikao.testing import Clock
from tests.waiting import until


class Moody(MemoryStore):
    """A store whose sweeps may raise."""

    error: Exception | None = None
    sweeps = 0

    async def sweep(self, *, now: float, limit: int, shards: Collection[int] = EVERY_SHARD) -> int:
        self.sweeps += 1
        if self.error is not None:
            raise self.error
        return await super().sweep(now=now, limit=limit, shards=shards)


class Broom:
    """A sweeper over a store, and what it tells."""

    def __init__(self, every: float = 600.0) -> None:
        self.store, self.clock = Moody(), Clock()
        self.told: list[Event] = []
        sessions = Sessions(self.store, KeyRing({"test": bytes(32)}), clock=self.clock)
        self.sweeper = Sweeper(sessions, self.told.append, every=every)

    async def fill(self, count: int, *, expires_in: float) -> None:
        for n in range(count):
            key = f"{expires_in}/{n}".encode().ljust(32)
            claim = await self.store.claim(key, None, now=self.clock(), lease=15.0, wait=0.0)
            assert isinstance(claim, Claim)
            await self.store.commit(Write(key, claim.fence, 0, self.clock() + expires_in, b"", b""))


async def test_a_sweep_removes_all_that_is_expired_and_tells_how_many() -> None:
    broom = Broom()
    await broom.fill(2 * BATCH + 3, expires_in=60.0)
    await broom.fill(5, expires_in=3600.0)
    assert await broom.sweeper.once() == 0
    broom.clock.advance(61.0)

    assert await broom.sweeper.once() == 2 * BATCH + 3

    assert len(broom.store) == 5
    nothing, everything = broom.told
    assert isinstance(nothing, SweepDone)
    assert isinstance(everything, SweepDone)
    assert (nothing.count, everything.count, everything.error) == (0, 2 * BATCH + 3, "")
    assert everything.seconds > 0


@pytest.mark.parametrize("error", [StoreUnavailable("away"), RuntimeError("a mistake")])
async def test_a_sweep_that_fails_says_so_and_the_next_one_goes_on(error: Exception) -> None:
    broom = Broom(every=0.0)
    await broom.fill(3, expires_in=60.0)
    broom.clock.advance(61.0)
    broom.store.error = error
    running = asyncio.create_task(broom.sweeper.run())
    await until(lambda: len(broom.told) >= 2, "two failures")
    broom.store.error = None
    await until(lambda: len(broom.store) == 0, "all to be swept")
    running.cancel()

    first = broom.told[0]
    assert isinstance(first, SweepDone)
    assert first.count == 0
    assert first.error.startswith(type(error).__name__)
    assert "mistake" not in first.error
    assert sum(event.count for event in broom.told if isinstance(event, SweepDone)) == 3


async def test_a_sweep_that_is_stopped_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kikao.sessions.sweeping.PAUSE", 3600.0)  # it is stopped between two batches
    broom = Broom()
    await broom.fill(BATCH + 1, expires_in=60.0)
    broom.clock.advance(61.0)
    sweep = asyncio.create_task(broom.sweeper.once())
    await until(lambda: broom.store.sweeps == 1 and len(broom.store) == 1, "the first batch")
    sweep.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sweep
    assert len(broom.store) == 1
