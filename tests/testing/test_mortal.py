"""A store as a process sees it that dies: exactly at the call, and nothing is written afterwards."""

from __future__ import annotations

import asyncio

import pytest

from kikao.sessions.store import Claim, CommitUnknown, StoreUnavailable, Write
from kikao.sessions.stores.memory import MemoryStore
from kikao.testing import Mortal, ProcessDied

KEY = b"a session".ljust(32)


async def claimed(store: Mortal, wait: float = 0.0) -> Claim:
    claim = await store.claim(KEY, None, now=0.0, lease=15.0, wait=wait)
    assert isinstance(claim, Claim)
    return claim


def write(claim: Claim) -> Write:
    return Write(claim.key, claim.fence, 0, 1e12, b"state", b"address")


async def kept(store: MemoryStore) -> int:
    return len([record async for record in store.scan()])


@pytest.mark.parametrize(("when", "stored"), [("die_before", 0), ("die_after", 1)])
async def test_it_dies_at_that_call(when: str, stored: int) -> None:
    store = MemoryStore()
    process = Mortal(store)
    deaths: list[str] = []
    process.on_death = lambda: deaths.append("died")
    setattr(process, when, ("commit", 1))
    claim = await claimed(process)

    with pytest.raises(ProcessDied):
        await process.commit(write(claim))
    assert await kept(store) == stored

    with pytest.raises(ProcessDied):
        await process.commit(write(claim))
    process.die()
    assert await kept(store) == stored
    assert deaths == ["died"]


async def test_the_dead_hear_no_answer() -> None:
    process = Mortal(MemoryStore())
    first = await claimed(process)
    waiting = asyncio.create_task(claimed(process, wait=10.0))
    await asyncio.sleep(0)
    process.die()
    await process.store.release(first)

    with pytest.raises(ProcessDied):
        await waiting


async def test_the_dead_give_nothing_back() -> None:
    store = MemoryStore()
    process = Mortal(store)
    claim = await claimed(process)
    process.die()
    await process.release(claim)

    assert not isinstance(await store.claim(KEY, None, now=1.0, lease=15.0, wait=0.0), Claim)


async def test_a_store_that_takes_nothing() -> None:
    store = MemoryStore()
    process = Mortal(store)
    claim = await claimed(process)
    process.unavailable = True
    with pytest.raises(StoreUnavailable):
        await process.commit(write(claim))
    assert await kept(store) == 0

    process.unavailable = False
    await process.commit(write(claim))
    assert await kept(store) == 1


@pytest.mark.parametrize("stored", [False, True])
async def test_a_store_that_does_not_say_what_became_of_a_write(stored: bool) -> None:
    store = MemoryStore()
    process = Mortal(store)
    process.unanswered = ("commit", 1, stored)
    claim = await claimed(process)

    with pytest.raises(CommitUnknown):
        await process.commit(write(claim))
    assert await kept(store) == stored
