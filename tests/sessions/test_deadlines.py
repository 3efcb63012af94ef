"""Time limits that share a timer: each holds for itself, and only for what still waits."""

from __future__ import annotations

import asyncio

import pytest

from kikao.sessions.deadlines import Deadlines


async def wait_until(deadlines: Deadlines, when: float, what: asyncio.Future[str]) -> str:
    with deadlines.until(when):
        return await what


async def test_what_waits_too_long_is_ended_and_the_others_are_not() -> None:
    loop, deadlines = asyncio.get_running_loop(), Deadlines()
    now = loop.time()
    late, sooner, done = (loop.create_future() for _ in range(3))
    waiting = [
        asyncio.create_task(wait_until(deadlines, now + 60, done)),
        asyncio.create_task(wait_until(deadlines, now + 0.02, late)),
        asyncio.create_task(wait_until(deadlines, now + 0.01, sooner)),
    ]
    for task in waiting[1:]:
        with pytest.raises(TimeoutError):
            await task
    done.set_result("kept")
    assert await waiting[0] == "kept"
    assert not any(task.cancelled() for task in waiting)
    assert late.cancelled()
    assert loop.time() >= now + 0.02


async def test_a_limit_that_was_kept_cancels_nothing_later() -> None:
    loop, deadlines = asyncio.get_running_loop(), Deadlines()
    with deadlines.until(loop.time() + 0.005):
        pass
    with pytest.raises(TimeoutError), deadlines.until(loop.time() + 0.01):
        await asyncio.Event().wait()
    with deadlines.until(loop.time() + 60):
        await asyncio.sleep(0)


async def test_what_is_over_already_ends_at_the_next_wait() -> None:
    loop, deadlines = asyncio.get_running_loop(), Deadlines()
    with pytest.raises(TimeoutError), deadlines.until(loop.time() - 1):
        await asyncio.Event().wait()


async def test_whoever_is_cancelled_by_others_stays_cancelled() -> None:
    loop, deadlines = asyncio.get_running_loop(), Deadlines()
    task = asyncio.create_task(wait_until(deadlines, loop.time() + 60, loop.create_future()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_is_told_as_it_is() -> None:
    deadlines = Deadlines()
    with pytest.raises(KeyError), deadlines.until(asyncio.get_running_loop().time() + 60):
        raise KeyError


def test_another_event_loop_has_a_timer_of_its_own() -> None:
    deadlines = Deadlines()

    async def kept() -> None:
        with deadlines.until(asyncio.get_running_loop().time() + 60):
            await asyncio.sleep(0)

    async def missed() -> None:
        with pytest.raises(TimeoutError), deadlines.until(asyncio.get_running_loop().time() + 0.005):
            await asyncio.Event().wait()

    asyncio.run(kept())
    asyncio.run(missed())


def test_without_a_task_there_is_nothing_to_end() -> None:
    with pytest.raises(RuntimeError), Deadlines().until(0.0):
        pass
