"""How a flow waits for a member: it yields a signal to the trampoline and is closed. It never raises to wait.

A raised control signal can be swallowed by any `except` in the flow; a yielded one cannot. Real I/O inside the flow
(futures of the event loop) passes through untouched.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import sys
import traceback
from collections.abc import Coroutine, Generator
from types import FrameType
from typing import Any, Final

from kikao.conversation.errors import Misuse

GRACE: Final = 0.1
"""Seconds a flow gets to clean up (leave an `async with`) after its time is up."""

UNWINDS: Final = 10
"""How often a flow that awaits while being unwound is told to stop, before it is left as it is."""

_KIKAO = os.path.dirname(os.path.dirname(__file__)) + os.sep
_PYTHON = os.path.dirname(os.__file__) + os.sep


class Signal:
    """Base of what a flow yields to the engine; `await signal` hands it over."""

    __slots__ = ()

    def __await__(self) -> Generator[Any, Any, Any]:
        return (yield self)


class Returned(Signal):
    """The flow function came to its end."""

    __slots__ = ()


async def drive(coroutine: Coroutine[Any, Any, Any], value: Any, deadline: float) -> Signal:
    """Send a value into a flow and return its next signal.

    `deadline` is event-loop time; I/O of the flow that still waits then gets a TimeoutError. A flow that catches it and
    goes on waiting is ended a moment later.
    """
    try:
        yielded = coroutine.send(value)
        return yielded if isinstance(yielded, Signal) else await _Waiting(coroutine, yielded, deadline)
    except StopIteration:
        return Returned()


class _Waiting:
    """A flow that waits for I/O, until its next signal."""

    __slots__ = ("_coroutine", "_deadline", "_yielded")

    def __init__(self, coroutine: Coroutine[Any, Any, Any], yielded: Any, deadline: float) -> None:
        self._coroutine = coroutine
        self._yielded = yielded
        self._deadline = deadline

    def __await__(self) -> Generator[Any, Any, Signal]:
        coroutine, yielded = self._coroutine, self._yielded
        task = asyncio.current_task()
        assert task is not None
        loop = asyncio.get_running_loop()
        expired, late = False, False

        def expire() -> None:
            nonlocal expired
            expired = True
            task.cancel()

        timer = loop.call_at(self._deadline, expire)
        try:
            while not isinstance(yielded, Signal):
                try:
                    value = yield yielded
                except BaseException as error:
                    if expired and isinstance(error, asyncio.CancelledError) and task.uncancel() == 0:
                        error = TimeoutError("the turn's time is up")
                        if late:
                            raise error from None
                        expired, late = False, True
                        timer = loop.call_at(loop.time() + GRACE, expire)
                    yielded = coroutine.throw(error)
                else:
                    yielded = coroutine.send(value)
            return yielded
        except StopIteration:
            return Returned()
        finally:
            timer.cancel()


def close(coroutine: Coroutine[Any, Any, Any]) -> None:
    """Unwind a suspended flow. Raises `Misuse`, naming the line, when it awaits while being unwound."""
    try:
        coroutine.close()
    except RuntimeError as error:
        if "ignored GeneratorExit" not in str(error):
            raise
        place = innermost(coroutine)
        for _ in range(UNWINDS):
            with contextlib.suppress(BaseException):
                coroutine.close()
                break
        raise Misuse(
            f"{place}: awaiting in `finally`, in an `except` that catches everything, or when leaving "
            "`async with` around a question: the flow is unwound at every question and must not wait there."
        ) from None


def told_to_stop(error: BaseException) -> bool:
    """Whether an error is the cancellation of this very task, and not one that came out of a service.

    A pool that closes a connection cancels what waits for it: to the caller that is a failure like any other.
    """
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling() > 0


def here(coroutine: Coroutine[Any, Any, Any]) -> str:
    """`file:line` of the flow's code that called the engine, for an author's error."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name = frame.f_code.co_filename
        if _authors(name):
            return f"{name}:{frame.f_lineno}"
        if os.sep + "asyncio" + os.sep in name:
            break
        frame = frame.f_back
    return innermost(coroutine)


def innermost(coroutine: Any) -> str:
    """`file:line` where a waiting coroutine stands, as deep as its own code goes."""
    place = "unknown place"
    while coroutine is not None and getattr(coroutine, "cr_frame", None) is not None:
        if _authors(coroutine.cr_code.co_filename):
            place = f"{coroutine.cr_code.co_filename}:{coroutine.cr_frame.f_lineno}"
        coroutine = coroutine.cr_await
    return place


def _authors(file: str) -> bool:
    """Whether a file belongs to an app: neither to kikao nor to Python itself."""
    if file.startswith(_PYTHON):
        return "site-packages" in file and not file.startswith(_KIKAO)
    return not file.startswith((_KIKAO, "<frozen"))


def misuse_in(problem: BaseException) -> BaseException:
    """A misuse inside a TaskGroup's exception group is the error to report."""
    while isinstance(problem, BaseExceptionGroup):
        found = problem.subgroup(Misuse)
        if found is None:
            return problem
        problem = found.exceptions[0]
    if isinstance(problem, TypeError) and (called := _MISCALLED(str(problem))):
        frames = traceback.extract_tb(problem.__traceback__)
        return Misuse(
            f"{frames[-1].filename}:{frames[-1].lineno}: chat.{called[1]}. See the reference of chat."
        )
    return problem


_MISCALLED = re.compile(r"(?:Primitives|Chat)\.(\w+\(\) (?:missing|got|takes) [\w ,':-]+)").fullmatch
"""What Python says of a call with wrong arguments: names of arguments and numbers of them, no value."""
