"""Seconds of the event loop that pass at once, so that a test does not sit through a deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class _Ahead:
    """The time of an event loop, ahead of the machine's."""

    def __init__(self, time: Callable[[], float]) -> None:
        self.seconds = 0.0
        self._time = time

    def __call__(self) -> float:
        return self._time() + self.seconds


def let_pass(seconds: float) -> None:
    """Let so many seconds of the running event loop's time pass: timers that are due by then ring next.

    The loop stays ahead for the rest of its life, since its time must not go back. uvloop measures its timers itself:
    there they ring when they would have, and only what asks for the time sees that it is later.
    """
    loop = asyncio.get_running_loop()
    time = loop.time
    if not isinstance(time, _Ahead):
        time = _Ahead(time)
        setattr(loop, "time", time)  # noqa: B010 - an instance has its own: to a type checker a method is no variable
    time.seconds += seconds
