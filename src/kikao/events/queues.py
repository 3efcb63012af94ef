"""The queue of an asynchronous subscriber: its events in order, one after the other, beside the turns."""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Callable
from typing import Any

from kikao.events.event import Event


class Queued:
    """Calls an `async` function with events, in order; at most `bound` of them wait.

    `failed` hears what it raises; `dropped` how many events did not reach it, since the queue was full or the end came.
    Nothing runs while nothing waits.
    """

    def __init__(
        self,
        subscriber: Callable[[Any], Any],
        *,
        bound: int,
        failed: Callable[[BaseException], None],
        dropped: Callable[[int], None],
    ) -> None:
        self._subscriber = subscriber
        self._bound = bound
        self._failed = failed
        self._dropped = dropped
        self._waiting: deque[Event] = deque()
        self._loop: asyncio.AbstractEventLoop | None = _running()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def busy(self) -> bool:
        """Whether an event waits, or is being dealt with."""
        return self._task is not None

    @property
    def waiting(self) -> int:
        """Events that wait, without the one that is being dealt with."""
        return len(self._waiting)

    def put(self, event: Event) -> None:
        """Queue an event. From another thread it gets there a little later; without an event loop it is dropped."""
        loop = self._loop
        if loop is None or loop.is_closed():
            self._loop = loop = _running()
        if loop is None:
            self._dropped(1)
            return
        if loop is not _running():
            loop.call_soon_threadsafe(self.put, event)
            return
        if self._closed or len(self._waiting) >= self._bound:
            self._dropped(1)
            return
        self._waiting.append(event)
        if self._task is None:
            # In a context of its own: whatever turn happens to publish first has nothing to do with it.
            self._task = loop.create_task(self._work(), context=contextvars.Context())

    async def drained(self, timeout: float | None) -> None:
        """Wait so many seconds until nothing waits any more."""
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=timeout)

    async def close(self, timeout: float) -> None:
        """Let what waits be dealt with for so many seconds; what is left is dropped."""
        await self.drained(timeout)
        self._closed = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=timeout)

    async def _work(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        try:
            while self._waiting:
                event = self._waiting.popleft()
                try:
                    await self._subscriber(event)
                except asyncio.CancelledError as error:
                    if task.cancelling():
                        self._waiting.appendleft(event)
                        raise
                    self._failed(error)  # of something that the subscriber waited for
                except Exception as error:  # noqa: BLE001 - the next event is another one
                    self._failed(error)
        finally:
            self._task = None
            if self._waiting:
                self._dropped(len(self._waiting))
                self._waiting.clear()


def _running() -> asyncio.AbstractEventLoop | None:
    """The event loop of this thread."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
