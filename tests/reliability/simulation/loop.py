"""An event loop without sleeping, sockets and threads: time jumps to the next timer, and a process can die between
any two steps.

Every callback belongs to the process in whose context it was scheduled (`OWNER`), or to nobody: the network, the disk
and the members outside. A process that died runs nothing any more, not even its `finally` blocks, as after kill -9.
"""

from __future__ import annotations

import asyncio
import contextvars
import heapq
from asyncio import events
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from typing import Any, Final, TypeVar

T = TypeVar("T")

MAX_STEPS: Final = 200_000
"""A schedule that takes more steps than this goes round in circles."""


class Stuck(AssertionError):
    """Everybody waits and nothing will ever happen, or everybody runs and nothing ever ends."""


class Owner:
    """A process, as far as the loop knows it."""

    __slots__ = ("awake_at", "dead", "steps", "until_death", "until_stall")

    def __init__(self) -> None:
        self.dead = False
        self.steps = 0
        """How often it ran: between two steps lies everything that it awaits."""
        self.until_death = 0
        """It dies before the step that brings this to 0; 0 is no plan."""
        self.until_stall = 0
        """Likewise it is stopped for a while."""
        self.awake_at = 0.0
        """It runs nothing before this time."""


OWNER: ContextVar[Owner | None] = ContextVar("owner", default=None)


class Handle:
    """A scheduled callback."""

    __slots__ = ("args", "callback", "context", "done", "owner", "when")

    def __init__(
        self, callback: Callable[..., object], args: tuple[Any, ...], context: Context | None, when: float
    ) -> None:
        self.callback = callback
        self.args = args
        self.context = copy_context() if context is None else context
        self.owner = self.context.get(OWNER)
        self.when = when
        self.done = False

    def cancel(self) -> None:
        """Never run it."""
        self.done = True
        self.callback, self.args = _nothing, ()

    def cancelled(self) -> bool:
        """Whether it was cancelled, or has run."""
        return self.done


def _nothing() -> None:
    return None


class Loop(asyncio.AbstractEventLoop):
    """See the module. `on_death` and `on_stall` are called when the plan of an owner comes true."""

    def __init__(self) -> None:
        self.now = 0.0
        self.steps = 0
        """Callbacks that ran."""
        self.on_death: Callable[[Owner], None] = _die
        self.on_stall: Callable[[Owner], None] = _die
        self.on_step: Callable[[Owner | None], None] | None = None
        """Called before each callback, with whose it is: who tries every moment hooks in here."""
        self.broken: list[dict[str, Any]] = []
        """What tasks nobody waits for raised."""
        self.ghosts = False
        """In the end the dead are let go of: their tasks run out, in a world that answers nobody."""
        self.tasks: list[asyncio.Task[Any]] = []
        """All that were ever made."""
        self._ready: deque[Handle] = deque()
        self._timers: list[tuple[float, int, Handle]] = []
        self._dropped: list[Handle] = []
        self._count = 0

    # What asyncio asks of a loop.

    def time(self) -> float:
        return self.now

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(  # type: ignore[override]
        self, coro: Coroutine[Any, Any, T], *, name: str | None = None, context: Context | None = None
    ) -> asyncio.Task[T]:
        task = asyncio.Task(coro, loop=self, name=name, context=context)
        self.tasks.append(task)
        return task

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> Handle:
        handle = Handle(callback, args, context, self.now)
        self._ready.append(handle)
        return handle

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> Handle:
        return self.call_at(self.now + delay, callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> Handle:
        handle = Handle(callback, args, context, when)
        self._count += 1
        heapq.heappush(self._timers, (when, self._count, handle))
        return handle

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.broken.append(context)

    def raise_ghosts(self) -> None:
        """From now on the dead run as well."""
        self.ghosts = True
        self._ready.extend(self._dropped)
        self._dropped.clear()

    # Running.

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Run until `main` returns. Raises `Stuck`, and whatever `main` raises."""
        events._set_running_loop(self)
        try:
            task = self.create_task(main, context=contextvars.Context())
            self._until(task.done)
            return task.result()
        finally:
            events._set_running_loop(None)

    def _until(self, done: Callable[[], bool]) -> None:
        ready, timers = self._ready, self._timers
        while not done():
            if not ready:
                if not timers:
                    raise Stuck("everybody waits and nothing will ever happen")
                when, _, handle = heapq.heappop(timers)
                if handle.done:
                    continue
                if handle.owner is not None and handle.owner.dead and not self.ghosts:
                    self._dropped.append(handle)
                    continue
                self.now = max(self.now, when)
            else:
                handle = ready.popleft()
                if handle.done:
                    continue
            owner = handle.owner
            if self.on_step is not None:
                self.on_step(owner)
            if owner is not None and not self.ghosts:
                if owner.dead:
                    self._dropped.append(handle)
                    continue
                owner.steps += 1
                if owner.until_death:
                    owner.until_death -= 1
                    if owner.until_death == 0:
                        self.on_death(owner)
                        self._dropped.append(handle)
                        continue
                if owner.until_stall:
                    owner.until_stall -= 1
                    if owner.until_stall == 0:
                        self.on_stall(owner)
                if owner.awake_at > self.now:
                    self._count += 1
                    heapq.heappush(timers, (owner.awake_at, self._count, handle))
                    continue
            self.steps += 1
            if self.steps > MAX_STEPS:
                raise Stuck(f"{MAX_STEPS} steps, and no end")
            handle.done = True
            handle.context.run(handle.callback, *handle.args)


def _die(owner: Owner) -> None:
    owner.dead = True


def within(owner: Owner) -> Context:
    """A context whose callbacks and tasks belong to `owner`."""
    context = copy_context()
    context.run(OWNER.set, owner)
    return context
