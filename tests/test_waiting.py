"""Waiting for a condition: it ends when that is true, and says what it waited for when it never is."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from tests.waiting import EAGER, blocked_until, until


async def test_it_waits_until_others_have_brought_it_about() -> None:
    there = asyncio.Event()
    asyncio.get_running_loop().call_later(0.01, there.set)
    await until(there.is_set, "it to be there")
    assert there.is_set()


async def test_a_condition_may_be_asynchronous() -> None:
    looks = itertools.count()

    async def at_last() -> bool:
        return next(looks) > EAGER + 1

    await until(at_last, "the last look")
    assert next(looks) == EAGER + 3


async def test_what_never_comes_is_named() -> None:
    with pytest.raises(AssertionError, match=r"waited 0.01 s for the end of days"):
        await until(lambda: False, "the end of days", patience=0.01)


async def test_what_the_condition_raises_is_its_own() -> None:
    async def slow() -> bool:
        raise TimeoutError("of a store")

    with pytest.raises(TimeoutError, match="of a store"):
        await until(slow, "an answer")


def test_a_thread_waits_likewise() -> None:
    looks = itertools.count()
    blocked_until(lambda: next(looks) > 3, "four looks")
    assert next(looks) == 5
    with pytest.raises(AssertionError, match=r"waited 0.01 s for the end of days"):
        blocked_until(lambda: False, "the end of days", patience=0.01)
