"""Time limits for turns, with one timer for all of them: most are never reached, and a timer of its own for each costs
more than all else that it takes to see to that.
"""

from __future__ import annotations

import asyncio
from types import TracebackType


class Deadlines:
    """Time limits in one event loop, in its time: `with deadlines.until(when): ...`."""

    def __init__(self) -> None:
        self._inside: set[Until] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        """Where the timer is set; none where it is not."""
        self._at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def until(self, when: float) -> Until:
        """For a `with`: what still waits at `when` is cancelled, and raises `TimeoutError`, as `asyncio.timeout_at`."""
        return Until(self, when)

    def _enter(self, one: Until, loop: asyncio.AbstractEventLoop) -> None:
        self._inside.add(one)
        if self._loop is not loop or one.when < self._at:
            self._set(loop, one.when)

    def _leave(self, one: Until) -> None:
        self._inside.discard(one)  # the timer stays: the next one needs it

    def _set(self, loop: asyncio.AbstractEventLoop, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._loop, self._at = loop, when
        self._timer = loop.call_at(when, self._expire)

    def _expire(self) -> None:
        loop, self._loop, self._timer = self._loop, None, None
        assert loop is not None
        now = max(loop.time(), self._at)  # a loop may call a little early
        for one in [one for one in self._inside if one.when <= now]:
            self._inside.discard(one)
            one.expire()
        if self._inside:
            self._set(loop, min(one.when for one in self._inside))


class Until:
    """One time limit."""

    __slots__ = ("_all", "_cancelling", "_expired", "_task", "when")

    def __init__(self, all_: Deadlines, when: float) -> None:
        self.when = when
        self._all = all_
        self._expired = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a time limit needs a task that can be cancelled")
        self._task, self._cancelling = task, task.cancelling()
        self._all._enter(self, asyncio.get_running_loop())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._all._leave(self)
        # Cancelled by somebody else as well, it stays cancelled.
        if self._expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def expire(self) -> None:
        """Its time is over."""
        self._expired = True
        self._task.cancel()
