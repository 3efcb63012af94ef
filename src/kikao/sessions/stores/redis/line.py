"""Who waits for a session in this process, while a turn of it is at work here or elsewhere.

Those who wait in one process stand in line, and only the first of them asks the server, again and again; a turn that
ends here wakes it at once. Between processes nobody is in line: whoever asks first when a session is free has it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from kikao.sessions.stores.jitter import jittered

FIRST_PAUSE: Final = 0.004
"""Seconds before a session that another process holds is asked for again."""

LONGEST_PAUSE: Final = 0.1

_GROWTH: Final = 1.6


class Line:
    """Those who wait for one session, first come first served."""

    __slots__ = ("_waiters", "_woken")

    def __init__(self) -> None:
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._woken: asyncio.Future[None] | None = None

    def __bool__(self) -> bool:
        return bool(self._waiters)

    def join(self) -> asyncio.Future[None]:
        """Stand at the end; the future is done as soon as one is the first."""
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(place)
        if len(self._waiters) == 1:
            place.set_result(None)
        return place

    def leave(self, place: asyncio.Future[None]) -> None:
        first = self._waiters[0] is place
        self._waiters.remove(place)
        place.cancel()
        if first and self._waiters:
            self._waiters[0].set_result(None)

    def wake(self) -> None:
        """The session is free: the first may ask now."""
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)

    async def pause(self, seconds: float) -> None:
        """Wait for so long, or until the session is free."""
        self._woken = asyncio.get_running_loop().create_future()
        try:
            await asyncio.wait((self._woken,), timeout=seconds)
        finally:
            self._woken = None


class Pauses:
    """How long to wait before each next try: a little longer each time, and never quite as others do."""

    __slots__ = ("_next",)

    def __init__(self) -> None:
        self._next = FIRST_PAUSE

    def next(self) -> float:
        pause, self._next = self._next, min(self._next * _GROWTH, LONGEST_PAUSE)
        return jittered(pause)
