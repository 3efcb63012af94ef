"""So many sockets a second come in, in their order; the others wait, and nobody for too long."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from kikao.live.door import Door
from kikao.live.limits import LiveLimits


class _Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


async def test_who_is_too_many_waits_for_their_turn_and_who_would_wait_too_long_is_told_at_once() -> None:
    door = Door(LiveLimits(connects=100.0, waits=0.02), _Clock())
    assert [await door.opens() for _ in range(100)] == [True] * 100
    turns: list[int] = []

    async def one(number: int) -> bool:
        found = await door.opens()
        turns.append(number)
        return found

    assert await asyncio.gather(*map(one, range(3))) == [True, True, False]
    assert turns == [2, 0, 1]


async def test_after_a_second_of_quiet_as_many_pass_at_once() -> None:
    clock = _Clock()
    door = Door(LiveLimits(connects=3.0, waits=0.01), clock)
    assert [await door.opens() for _ in range(4)] == [True, True, True, False]
    clock.now += 10
    assert [await door.opens() for _ in range(4)] == [True, True, True, False]


async def test_nobody_passes_a_door_that_is_closed_nor_who_waited_for_it() -> None:
    door = Door(LiveLimits(connects=1.0, waits=60.0), _Clock())
    assert await door.opens()
    waiting = [asyncio.ensure_future(door.opens()) for _ in range(3)]
    await asyncio.sleep(0)
    door.close()
    assert await asyncio.gather(*waiting) == [False] * 3
    assert not await door.opens()


@given(rate=st.integers(1, 1000), pauses=st.lists(st.floats(0, 3), max_size=200))
def test_never_more_pass_than_the_rate_allows(rate: int, pauses: list[float]) -> None:
    """In any time so many times its seconds, and as many at once before."""

    async def passed() -> None:
        clock = _Clock()
        door, begun, count = Door(LiveLimits(connects=float(rate), waits=1e-9), clock), clock.now, 0
        for pause in pauses:
            clock.now += pause
            for _ in range(rate // 50 + 2):
                count += await door.opens()
            assert count <= rate * (1 + clock.now - begun) + 1e-6

    asyncio.run(passed())
