"""Who waits in one process for a session that several processes share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from kikao.sessions.stores.lines import LONGEST_PAUSE, PRUNE_FROM, Lines

KEY = b"session"


class Store:
    """Says who may have the session: nobody while `taken` is set."""

    def __init__(self, *, taken: bool = True) -> None:
        self.taken = taken
        self.asked: list[str] = []

    def by(self, name: str) -> Callable[[float], Awaitable[str | None]]:
        async def ask(elapsed: float) -> str | None:
            self.asked.append(name)
            await asyncio.sleep(0)
            if self.taken:
                return None
            self.taken = True
            return name

        return ask


async def wait(
    lines: Lines, store: Store, name: str, *, seconds: float = 30, front: bool = False
) -> str | None:
    place = lines.join(KEY, front=front)
    try:
        found: str | None = await lines.wait(place, store.by(name), seconds=seconds)
    finally:
        lines.leave(place)
    if found is not None:
        lines.hold(KEY, 1, 1e9, 0.0)
    return found


async def test_who_comes_first_asks_and_the_others_stand_in_line() -> None:
    lines = Lines()
    assert lines.come(KEY)
    assert not lines.come(KEY)
    assert lines.come(b"another")
    assert not lines.is_waited_for(KEY)
    lines.let_go(KEY)
    assert lines.come(KEY)


async def test_those_in_line_are_served_in_order_each_when_the_one_before_lets_go() -> None:
    lines, store = Lines(), Store()
    assert lines.come(KEY)
    lines.hold(KEY, 1, 1e9, 0.0)
    order: list[str] = []

    async def turn(name: str) -> None:
        found = await wait(lines, store, name)
        assert found == name
        order.append(name)
        store.taken = False
        lines.let_go(KEY, 1)

    turns = [asyncio.create_task(turn(name)) for name in "abcdef"]
    await asyncio.sleep(0)
    assert lines.is_waited_for(KEY)
    assert not lines.come(KEY)
    store.taken = False
    lines.let_go(KEY, 1)
    await asyncio.gather(*turns)
    assert order == list("abcdef")
    assert lines.come(KEY)
    assert list(dict.fromkeys(store.asked)) == list("abcdef")  # nobody asked out of turn


async def test_what_another_process_has_is_asked_for_again_and_again_less_and_less_often() -> None:
    lines, store = Lines(), Store()
    waiting = asyncio.create_task(wait(lines, store, "a"))
    while len(store.asked) < 5:  # noqa: ASYNC110 - it is asked by the clock
        await asyncio.sleep(LONGEST_PAUSE / 100)
    store.taken = False
    assert await waiting == "a"


async def test_who_gave_up_makes_way() -> None:
    lines, store = Lines(), Store()
    waiting = [asyncio.create_task(wait(lines, store, name)) for name in "abc"]
    short = asyncio.create_task(wait(lines, store, "d", seconds=0.01))
    await asyncio.sleep(0)
    waiting[0].cancel()
    assert await short is None
    store.taken = False
    assert await waiting[1] == "b"
    waiting[2].cancel()
    await asyncio.gather(waiting[0], waiting[2], return_exceptions=True)
    assert not lines.is_waited_for(KEY)


async def test_who_came_first_stands_before_those_who_came_meanwhile() -> None:
    lines, store = Lines(), Store()
    later = asyncio.create_task(wait(lines, store, "later"))
    await asyncio.sleep(0)
    first = asyncio.create_task(wait(lines, store, "first", front=True))
    await asyncio.sleep(0)
    store.taken = False
    assert await first == "first"
    later.cancel()
    await asyncio.gather(later, return_exceptions=True)


async def test_a_turn_of_another_fence_does_not_let_go() -> None:
    lines = Lines()
    assert lines.come(KEY)
    lines.hold(KEY, 7, 1e9, 0.0)
    for fence in (6, 8, 0):
        lines.let_go(KEY, fence)
    lines.let_go(b"nobody", 7)
    assert not lines.come(KEY)
    lines.let_go(KEY, 7)
    assert lines.come(KEY)


@pytest.mark.parametrize("lapsed", [True, False])
async def test_turns_that_died_are_forgotten(lapsed: bool) -> None:
    lines = Lines()
    for number in range(PRUNE_FROM + 1):
        key = b"%d" % number
        assert lines.come(key)
        lines.hold(key, 1, 10.0, now=20.0 if lapsed else 5.0)
    assert lines.come(b"0") is lapsed


async def test_who_waits_when_it_is_closed_asks_and_hears_why() -> None:
    lines = Lines()
    place = lines.join(KEY, front=False)

    async def ask(elapsed: float) -> str:
        raise RuntimeError("closed")

    behind = lines.join(KEY, front=False)
    waiting = asyncio.create_task(lines.wait(place, ask, seconds=30))
    await asyncio.sleep(0)
    lines.close()
    with pytest.raises(RuntimeError, match="closed"):
        await waiting
    lines.leave(place)
    with pytest.raises(RuntimeError, match="closed"):
        await lines.wait(behind, ask, seconds=30)
    lines.leave(behind)
