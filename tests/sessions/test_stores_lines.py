"""Who waits in one process for a session that several processes share."""

from __future__ import annotations

import asyncio

import pytest

from kikao.sessions.store import Busy, Claim, Record, StoreUnavailable
from kikao.sessions.stores.lines import Ask, Lines
from tests.waiting import until

KEY = b"session"


class Store:
    """Says who may have the session: nobody while `taken` is set."""

    def __init__(self, *, taken: bool = True) -> None:
        self.taken = taken
        self.closed = False
        self.asked: list[str] = []
        """Who tried to take it."""
        self.version = 0

    def by(self, name: str) -> Ask:
        async def ask(elapsed: float, take: bool) -> Claim | Busy:
            if take:
                self.asked.append(name)
            await asyncio.sleep(0)
            if self.closed:
                raise StoreUnavailable("closed")
            record = Record(KEY, self.version, 1, 0.0, b"", b"")
            if self.taken or not take:
                return Busy(record)
            self.taken = True
            return Claim(KEY, 1, 0.0, record, None, self.version)

        return ask


async def several_rounds() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_who_finds_it_free_asks_once() -> None:
    lines, store = Lines(), Store(taken=False)
    assert isinstance(await lines.claim(KEY, store.by("a"), wait=30), Claim)
    assert store.asked == ["a"]


async def test_those_in_line_are_served_in_order_each_when_the_one_before_ends() -> None:
    lines, store = Lines(), Store()
    order: list[str] = []

    async def turn(name: str) -> None:
        assert isinstance(await lines.claim(KEY, store.by(name), wait=30), Claim)
        order.append(name)
        store.taken = False
        lines.wake(KEY)

    turns = []
    for name in "abcdef":
        turns.append(asyncio.create_task(turn(name)))
        await several_rounds()
    store.taken = False
    lines.wake(KEY)
    await asyncio.gather(*turns)
    assert order == list("abcdef")
    assert list(dict.fromkeys(store.asked)) == list("abcdef"), "nobody asked out of turn"


async def test_what_another_process_has_is_asked_for_again_and_again() -> None:
    lines, store = Lines(), Store()
    waiting = asyncio.create_task(lines.claim(KEY, store.by("a"), wait=30))
    await until(lambda: len(store.asked) >= 5, "it to be asked by the clock")
    store.taken = False
    store.version = 7
    claim = await waiting
    assert isinstance(claim, Claim)
    assert claim.record is not None
    assert (claim.record.version, claim.version_on_arrival) == (7, 0)


async def test_who_does_not_wait_is_answered_at_once_also_where_others_do() -> None:
    lines, store = Lines(), Store()
    waiting = asyncio.create_task(lines.claim(KEY, store.by("a"), wait=30))
    await several_rounds()
    assert isinstance(await lines.claim(KEY, store.by("b"), wait=0), Busy)
    store.taken = False
    assert isinstance(await lines.claim(KEY, store.by("c"), wait=0), Claim)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)


@pytest.mark.parametrize("ahead", [0, 1])
async def test_who_waited_long_enough_hears_that_it_is_busy(ahead: int) -> None:
    lines, store = Lines(), Store()
    before = [asyncio.create_task(lines.claim(KEY, store.by("before"), wait=30)) for _ in range(ahead)]
    await several_rounds()
    assert isinstance(await lines.claim(KEY, store.by("short"), wait=0.01), Busy)
    for task in before:
        task.cancel()
    await asyncio.gather(*before, return_exceptions=True)


async def test_who_gave_up_makes_way() -> None:
    lines, store = Lines(), Store()
    waiting = []
    for name in "abc":
        waiting.append(asyncio.create_task(lines.claim(KEY, store.by(name), wait=30)))
        await several_rounds()
    waiting[0].cancel()
    await several_rounds()
    store.taken = False
    assert isinstance(await waiting[1], Claim)
    waiting[2].cancel()
    await asyncio.gather(waiting[0], waiting[2], return_exceptions=True)
    assert isinstance(await lines.claim(KEY, store.by("d"), wait=0), Busy)
    lines.wake(KEY)  # nobody is there


async def test_who_waits_when_it_is_closed_asks_and_hears_why() -> None:
    lines, store = Lines(), Store()
    waiting = []
    for name in "ab":
        waiting.append(asyncio.create_task(lines.claim(KEY, store.by(name), wait=30)))
        await several_rounds()
    store.closed = True
    lines.close()
    for task in waiting:
        with pytest.raises(StoreUnavailable, match="closed"):
            await task
