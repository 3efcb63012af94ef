"""What nobody caught is published without its text, and not printed; what an app has set up itself is left to it."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from kikao.events import ErrorUncaught, Event
from kikao.events.uncaught import tolerated, uncaught

TEXT = "the core refused 83190274"


class Hooks:
    """Those of Python itself, as in a process that runs a server."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "unraisablehook", sys.__unraisablehook__)
        monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)

    def now(self) -> list[Any]:
        handler = asyncio.get_running_loop().get_exception_handler()
        return [handler, sys.unraisablehook, threading.excepthook, warnings.showwarning]


@pytest.fixture
def hooks(monkeypatch: pytest.MonkeyPatch) -> Hooks:
    return Hooks(monkeypatch)


async def fail() -> None:
    raise RuntimeError(TEXT)


async def a_forgotten_task() -> None:
    task = asyncio.create_task(fail())
    await asyncio.wait({task})
    del task
    gc.collect()


async def a_callback() -> None:
    asyncio.get_running_loop().call_soon(int, TEXT)
    await asyncio.sleep(0)


async def a_task_that_is_dropped() -> None:
    async def waits() -> None:
        await asyncio.get_running_loop().create_future()

    task = asyncio.create_task(waits())
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_exception_handler(
        {"message": f"{TEXT} is pending", "task": task, "args": TEXT}
    )
    task.cancel()


async def a_message_without_an_error() -> None:
    asyncio.get_running_loop().call_exception_handler({"message": TEXT})


async def a_thread() -> None:
    thread = threading.Thread(target=lambda: int(TEXT))
    thread.start()
    await asyncio.to_thread(thread.join)


async def a_finaliser() -> None:
    class Broken:
        def __del__(self) -> None:
            raise RuntimeError(TEXT)

    Broken()
    gc.collect()


async def a_warning() -> None:
    warnings.warn(TEXT, stacklevel=1)


@pytest.mark.parametrize(
    ("what", "where", "error"),
    [
        (a_forgotten_task, "loop", "RuntimeError at test_uncaught.py:"),
        (a_callback, "loop", "ValueError"),
        (
            a_task_that_is_dropped,
            "loop",
            "task a_task_that_is_dropped.<locals>.waits was dropped before its end",
        ),
        (a_message_without_an_error, "loop", "no exception"),
        (a_thread, "thread", "ValueError at test_uncaught.py:"),
        (a_finaliser, "finaliser", "RuntimeError at test_uncaught.py:"),
        (a_warning, "warning", "UserWarning at test_uncaught.py:"),
    ],
)
async def test_it_is_told_by_type_and_place(
    what: Callable[[], Any], where: str, error: str, hooks: Hooks, capfd: pytest.CaptureFixture[str]
) -> None:
    events: list[Event] = []
    before = hooks.now()

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = _shown
        with uncaught(events.append):
            await what()
        assert warnings.showwarning is _shown

    (event,) = events
    assert isinstance(event, ErrorUncaught)
    assert event.where == where
    assert event.error.startswith(error)
    assert "83190274" not in repr(events)
    assert capfd.readouterr() == ("", "")
    assert hooks.now() == before


async def test_a_thread_that_exits_is_no_error(hooks: Hooks) -> None:
    events: list[Event] = []
    with uncaught(events.append):
        thread = threading.Thread(target=sys.exit)
        thread.start()
        await asyncio.to_thread(thread.join)
    assert events == []


async def test_what_the_app_has_set_up_is_left_to_it(hooks: Hooks, monkeypatch: pytest.MonkeyPatch) -> None:
    def own(*_: Any) -> None: ...

    loop = asyncio.get_running_loop()
    loop.set_exception_handler(own)
    monkeypatch.setattr(sys, "unraisablehook", own)
    monkeypatch.setattr(threading, "excepthook", own)
    monkeypatch.setattr(warnings, "showwarning", own)
    with uncaught(_never):
        assert hooks.now() == [own] * 4
    loop.set_exception_handler(None)


def _never(event: Event) -> None:
    raise AssertionError(event)


def _shown(*_: Any, **__: Any) -> None:
    raise AssertionError("printed")


_shown.__module__ = "warnings"


async def test_a_round_of_a_loop_that_fails_is_told_and_the_next_one_comes() -> None:
    told: list[Event] = []
    for _ in range(2):
        with tolerated(told.append):
            await fail()
    assert [str(event) for event in told if TEXT in str(event)] == []
    assert [(type(event), getattr(event, "where", "")) for event in told] == [(ErrorUncaught, "loop")] * 2

    with pytest.raises(asyncio.CancelledError), tolerated(told.append):
        raise asyncio.CancelledError
    assert len(told) == 2, "who is told to stop stops"
