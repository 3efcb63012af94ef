"""The bell: what rings at once is one message, a gap may be anything, and nobody waits for a bus that is away."""

from __future__ import annotations

import asyncio

from kikao.bus import Bell, MemoryFanout
from tests.waiting import PATIENCE


async def test_what_rings_at_once_is_heard_once_with_all_its_numbers() -> None:
    bus, heard, came = MemoryFanout(), list[frozenset[int] | None](), asyncio.Event()

    def rung(numbers: frozenset[int] | None) -> None:
        heard.append(numbers)
        came.set()

    one, other = Bell(bus, "outbox", lambda _: None), Bell(bus, "outbox", rung)
    running = [asyncio.create_task(bell.run()) for bell in (one, other)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    for number in (7, 63, 7):
        one.ring(number)
    async with asyncio.timeout(PATIENCE):
        await came.wait()
        assert heard == [frozenset({7, 63})]
        came.clear()
        other.ring(1)
        await came.wait()
        assert heard[1:] == [frozenset({1})]
    for task in running:
        task.cancel()


async def test_a_bus_that_is_away_keeps_nobody() -> None:
    bus = MemoryFanout()
    bell = Bell(bus, "outbox", lambda _: None)
    await bus.close()
    ringing = asyncio.create_task(bell._ring())
    bell.ring(3)
    for _ in range(5):
        await asyncio.sleep(0)
    assert not ringing.done()
    ringing.cancel()
