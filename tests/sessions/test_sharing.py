"""Who looks after which part of a store: fair shares, a death, a store that is away, a farewell."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from kikao.events import Event, SharesChanged
from kikao.sessions.outgoing import EVERY_SHARD, SHARDS, Share
from kikao.sessions.sharing import LEASE, Shares
from kikao.sessions.store import StoreUnavailable
from kikao.sessions.stores.memory import MemoryStore
from kikao.testing import Clock


class Moody(MemoryStore):
    """A store that may be away, or silent."""

    error: Exception | None = None
    silent = False

    async def share(self, worker: str, *, now: float, lease: float) -> Share:
        if self.silent:
            await asyncio.Event().wait()
        if self.error is not None:
            raise self.error
        return await super().share(worker, now=now, lease=lease)

    async def leave(self, worker: str) -> None:
        if self.error is not None:
            raise self.error
        await super().leave(worker)


@dataclass
class House:
    """Several processes over one store, with one clock."""

    store: Moody = field(default_factory=Moody)
    clock: Clock = field(default_factory=Clock)
    told: list[Event] = field(default_factory=list)

    def process(self, lease: float = LEASE) -> Shares:
        return Shares(self.store, self.told.append, clock=self.clock, monotonic=self.clock, lease=lease)


async def test_who_does_not_share_has_everything() -> None:
    house = House()
    alone = house.process()
    assert alone.shards == EVERY_SHARD
    assert await alone.renew()
    assert (alone.shards, alone.workers) == (EVERY_SHARD, 1)
    assert house.told == [], "nothing of a store that one process has is worth a line"


async def test_two_processes_have_a_half_each_and_every_shard_has_one() -> None:
    house = House()
    one, other = house.process(), house.process()
    assert one.worker != other.worker
    for each in (one, other, one, other):
        await each.renew()
    assert len(one.shards) == len(other.shards) == SHARDS // 2
    assert {*one.shards, *other.shards} == EVERY_SHARD
    assert house.told[-1] == SharesChanged(shards=32, workers=2)


async def test_the_shards_of_a_dead_process_are_taken_over_within_its_lease() -> None:
    house = House()
    one, dead = house.process(), house.process()
    for each in (one, dead, one, dead):
        await each.renew()
    changed: list[int] = []
    one.when_changed(lambda: changed.append(len(one.shards)))
    for _ in range(int(LEASE)):
        house.clock.advance(1.0)
        await one.renew()
    assert one.shards == EVERY_SHARD
    assert changed == [SHARDS]
    assert dead.shards == frozenset(), "it would not know, but it does not think so either"


async def test_who_leaves_hands_over_at_once() -> None:
    house = House()
    one, leaving = house.process(), house.process()
    for each in (one, leaving, one, leaving):
        await each.renew()
    await leaving.leave()
    assert leaving.shards == frozenset()
    await one.renew()
    assert one.shards == EVERY_SHARD


async def test_who_never_shared_has_nothing_to_leave_and_a_store_that_is_away_keeps_nobody() -> None:
    house = House()
    shares = house.process()
    house.store.error = StoreUnavailable("away")
    await shares.leave()
    assert shares.shards == EVERY_SHARD
    house.store.error = None
    await shares.renew()
    house.store.error = StoreUnavailable("away")
    await shares.leave()
    assert shares.shards == frozenset()


async def test_without_an_answer_its_shards_last_as_long_as_the_lease() -> None:
    house = House()
    shares = house.process()
    await shares.renew()
    house.store.error = StoreUnavailable("away")
    assert not await shares.renew()
    assert shares.shards == EVERY_SHARD
    house.clock.advance(LEASE)
    assert not await shares.renew()
    assert shares.shards == frozenset()
    (told,) = house.told
    assert isinstance(told, SharesChanged)
    assert (told.shards, told.error[: len("StoreUnavailable")]) == (0, "StoreUnavailable")
    house.store.error = None
    assert await shares.renew()
    assert shares.shards == EVERY_SHARD
    assert house.told[-1] == SharesChanged(shards=64, workers=1)


async def test_a_store_that_is_away_at_the_start_gives_nothing() -> None:
    house = House()
    house.store.error = StoreUnavailable("away")
    shares = house.process()
    assert not await shares.renew()
    assert shares.shards == frozenset()


async def test_a_store_that_is_silent_does_not_hold_up_a_renewal() -> None:
    house = House()
    shares = house.process(lease=0.02)
    house.store.silent = True
    assert not await shares.renew()


async def test_it_renews_by_itself_and_at_once_when_it_is_woken() -> None:
    house = House()
    house.store.error = StoreUnavailable("away")
    changed = asyncio.Event()
    shares = Shares(house.store, house.told.append, clock=house.clock, every=0.01)
    shares.when_changed(changed.set)
    running = asyncio.create_task(shares.run())
    await changed.wait()
    assert shares.shards == frozenset()
    changed.clear()
    house.store.error = None
    await changed.wait()
    assert shares.shards == EVERY_SHARD
    running.cancel()

    seldom = Shares(house.store, house.told.append, clock=house.clock, every=3600.0)
    moved = asyncio.Event()
    seldom.when_changed(moved.set)
    running = asyncio.create_task(seldom.run())
    await moved.wait()
    assert seldom.shards == frozenset(), "the other one has them all"
    moved.clear()
    assert await shares.renew()
    seldom.wake()
    await moved.wait()
    assert len(seldom.shards) == SHARDS // 2
    running.cancel()
