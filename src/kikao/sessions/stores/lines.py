"""Who in this process waits for which session, where leases are held in a store that others share.

The store says who holds a session; here stand those of one process that want it, first come, first served. The first
of a line asks the store: at once when a turn of this process ends, and in between again and again, since turns of other
processes say nothing. A session that nobody waits for costs one entry while a turn works on it.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

Answer = TypeVar("Answer")

PRUNE_FROM: Final = 1024
"""Entries of turns that died are dropped when there are this many, then whenever the number has doubled."""

FIRST_PAUSE: Final = 0.004
"""Seconds until the store is asked again; then longer and longer."""

LONGEST_PAUSE: Final = 0.1

_GROWTH: Final = 1.7

_ASKING: Final = (0, float("inf"))


class Lines:
    """Not thread-safe: it belongs to one event loop."""

    def __init__(self) -> None:
        self._here: dict[bytes, tuple[int, float]] = {}  # fence of the turn at work, and until when it may be
        self._lines: dict[bytes, deque[Place]] = {}
        self._prune_at = PRUNE_FROM

    def come(self, key: bytes) -> bool:
        """Whether nobody here works on a session or waits for it; whoever is told so asks the store."""
        if key in self._here or key in self._lines:
            return False
        self._here[key] = _ASKING
        return True

    def is_waited_for(self, key: bytes) -> bool:
        return key in self._lines

    def hold(self, key: bytes, fence: int, until: float, now: float) -> None:
        """A turn of this process works on the session."""
        self._here[key] = (fence, until)
        if len(self._here) > self._prune_at:
            self._prune(now)

    def let_go(self, key: bytes, fence: int = 0) -> None:
        """The turn of this fence has ended, or who came first (without a fence) did not get the session."""
        held = self._here.get(key)
        if held is None or held[0] != fence:
            return
        del self._here[key]
        if (line := self._lines.get(key)) is not None:
            line[0].wake(ask=True)

    def join(self, key: bytes, *, front: bool) -> Place:
        """Stand in line; in `front` whoever came first and was told that another process has the session."""
        place = Place(key, self._lines.setdefault(key, deque()))
        if front:
            place.line.appendleft(place)
        else:
            place.line.append(place)
        return place

    async def wait(
        self, place: Place, ask: Callable[[float], Awaitable[Answer | None]], *, seconds: float
    ) -> Answer | None:
        """Wait in line, and in turn `ask(elapsed)` until there is an answer; None after `seconds`."""
        clock = asyncio.get_running_loop().time
        began = clock()
        pause = FIRST_PAUSE
        while (left := seconds - (clock() - began)) > 0.0:
            is_first = place.line[0] is place
            told = await place.turn(min(left, pause * random.uniform(0.7, 1.3)) if is_first else left)  # noqa: S311
            if place.line[0] is not place or not (is_first or told):
                continue
            answer = await ask(clock() - began)
            if answer is not None:
                place.is_served = True
                return answer
            pause = min(pause * _GROWTH, LONGEST_PAUSE)
        return None

    def leave(self, place: Place) -> None:
        """Not to be forgotten, however the waiting ends."""
        was_first = place.line[0] is place
        place.line.remove(place)
        if not place.line:
            del self._lines[place.key]
        elif was_first:
            # Who has the session now keeps the next one waiting; what became of who gave up nobody knows.
            place.line[0].wake(ask=not place.is_served)

    def close(self) -> None:
        """Nobody is told anything: whoever asks next hears that the store is closed."""
        for line in self._lines.values():
            for place in line:
                place.wake(ask=True)

    def _prune(self, now: float) -> None:
        lapsed = [key for key, (_, until) in self._here.items() if until <= now]
        for key in lapsed:
            del self._here[key]
        self._prune_at = max(PRUNE_FROM, 2 * len(self._here))


class Place:
    """One who waits."""

    __slots__ = ("_called", "_told", "is_served", "key", "line")

    def __init__(self, key: bytes, line: deque[Place]) -> None:
        self.key = key
        self.line = line
        self.is_served = False
        self._called: asyncio.Future[bool] | None = None
        self._told = False

    def wake(self, *, ask: bool) -> None:
        """There is reason to ask, or only to know the own place."""
        self._told = self._told or ask
        if self._called is not None and not self._called.done():
            self._called.set_result(True)

    async def turn(self, seconds: float) -> bool:
        """Whether there is reason to ask before the seconds are over."""
        if not self._told:
            loop = asyncio.get_running_loop()
            called = self._called = loop.create_future()
            timer = loop.call_later(seconds, _end, called)
            try:
                await called
            finally:
                timer.cancel()
                self._called = None
        told, self._told = self._told, False
        return told


def _end(called: asyncio.Future[bool]) -> None:
    if not called.done():
        called.set_result(False)
