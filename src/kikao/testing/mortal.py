"""The death of a process, and other troubles with its store, at exactly the write a test chooses."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from kikao.sessions.passing import Answer, PassingStore
from kikao.sessions.store import Claim, CommitUnknown, SessionStore, StoreUnavailable
from kikao.testing.outside import ASKER

T = TypeVar("T")


class ProcessDied(BaseException):
    """The process was killed here. Not an Exception: nothing may handle it."""


class Mortal(PassingStore):
    """A store as one process sees it: from the moment of its death on, nothing more is written.

    Closing it does nothing, since the store outlives the process: whoever made the store closes it.
    """

    def __init__(self, store: SessionStore) -> None:
        super().__init__(store)
        self.dead = False
        self.die_before: tuple[str, int] | None = None
        """(method, nth call): the process dies right before that store call."""
        self.die_after: tuple[str, int] | None = None
        """(method, nth call): the process dies right after that store call."""
        self.unavailable = False
        """While True the store takes nothing."""
        self.unanswered: tuple[str, int, bool] | None = None
        """(method, nth call, stored): the store does not answer that write, which is stored or not."""
        self.calls: dict[str, int] = {}
        """How often each method was called."""
        self.running = 0
        """Calls the store has not answered yet, but for claims."""
        self.claiming: list[object] = []
        """Requests in a claim, where one may wait in line for another."""
        self.on_death: Callable[[], None] | None = None
        """Called at the moment of death."""

    def die(self) -> None:
        """Kill the process."""
        if not self.dead:
            self.dead = True
            if self.on_death is not None:
                self.on_death()

    async def _pass(self, call: Callable[..., Answer[T]], *args: Any, **kwargs: Any) -> T:
        name = call.__name__
        if self.dead:
            _perish()
        nth = self.calls[name] = self.calls.get(name, 0) + 1
        if self.die_before == (name, nth):
            self.die()
            _perish()
        if self.unavailable:
            raise StoreUnavailable
        silent = self.unanswered if self.unanswered and self.unanswered[:2] == (name, nth) else None
        if silent and not silent[2]:
            raise CommitUnknown
        result = await self._ask(name, call(*args, **kwargs))
        if silent:
            raise CommitUnknown
        if self.die_after == (name, nth):
            self.die()
        if self.dead:
            _perish()
        return result

    async def _ask(self, name: str, answer: Answer[T]) -> T:
        asker = ASKER.get(None)
        if name == "claim":
            self.claiming.append(asker)
        else:
            self.running += 1
        try:
            return await answer
        finally:
            if name == "claim":
                self.claiming.remove(asker)
            else:
                self.running -= 1

    async def close(self) -> None:
        return None

    async def release(self, claim: Claim) -> None:
        if not self.dead:
            await self._pass(self.store.release, claim)


def _perish() -> NoReturn:
    """Raises `ProcessDied`; the event loop does not complain when it ends a task nobody waits for."""
    task = asyncio.current_task()
    if task is not None:
        task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
    raise ProcessDied
