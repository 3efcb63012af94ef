"""The world outside of the process: services, and what they were asked for and do, whoever dies meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from typing import Any, Final, NamedTuple, TypeVar

T = TypeVar("T")

ASKER: Final[ContextVar[object]] = ContextVar("asker")
"""The request to the process that a call is made for, in the tasks that work on it."""


class _Call(NamedTuple):
    name: str
    asker: object


class Outside:
    """Calls to services that are under way. `on_hold` is called when one begins to wait for the end of a mood."""

    def __init__(self, on_hold: Callable[[], None]) -> None:
        self._on_hold = on_hold
        self._calls: dict[asyncio.Task[Any], _Call] = {}
        self._held: dict[asyncio.Task[Any], asyncio.Event] = {}

    @property
    def held(self) -> bool:
        """Whether a call waits for the end of a mood."""
        return any(map(self._holds, self._calls))

    @property
    def at_work(self) -> list[str]:
        """The calls that will end by themselves, as `Service.method`."""
        return [call.name for task, call in self._calls.items() if not self._holds(task)]

    def keeps_waiting(self, asker: object) -> bool:
        """Whether a call for this request waits for the end of a mood."""
        return any(call.asker is asker and self._holds(task) for task, call in self._calls.items())

    async def perform(self, name: str, call: Coroutine[Any, Any, T]) -> T:
        """Make a call, which goes on when whoever made it is cancelled."""
        task = asyncio.create_task(call)
        self._calls[task] = _Call(name, ASKER.get(None))
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    async def hold(self, until: asyncio.Event) -> None:
        """Keep the call that this is part of."""
        task = asyncio.current_task()
        assert task is not None
        self._held[task] = until
        self._on_hold()
        try:
            await until.wait()
        finally:
            del self._held[task]

    async def close(self) -> None:
        """The end of the world: what is under way is cancelled."""
        calls = list(self._calls)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)

    def _holds(self, task: asyncio.Task[Any]) -> bool:
        return task in self._held and not self._held[task].is_set()

    def _ended(self, call: asyncio.Task[Any]) -> None:
        del self._calls[call]
        if not call.cancelled():
            call.exception()  # perhaps nobody is there any more to hear of it
