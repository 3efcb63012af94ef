"""Where sockets come in: so many a second, one after the other, though thousands come back at the same moment.

Clients that lost a process all try again after the same delays, without any chance in them. If those who are too many
were refused they would be too many the next time as well: they wait for their turn instead, which costs them nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from kikao.live.limits import LiveLimits


class Door:
    """Of one process. `limits.connects` a second pass, and as many at once where it was quiet for a second."""

    def __init__(self, limits: LiveLimits, clock: Callable[[], float]) -> None:
        """`clock` gives seconds that only grow."""
        self._rate = limits.connects
        self._patience = limits.waits
        self._clock = clock
        self._level = self._rate
        """How many may pass now; less than nothing where some wait for their turn."""
        self._levelled_at = clock()
        self._closed = asyncio.Event()

    async def opens(self) -> bool:
        """Wait for one's turn: whether it came. Who would wait longer than `limits.waits` is told so at once.

        Nobody passes who waits when it is closed.
        """
        now = self._clock()
        self._level = min(self._rate, self._level + (now - self._levelled_at) * self._rate)
        self._levelled_at = now
        wait = (1.0 - self._level) / self._rate
        if wait > self._patience:
            return False
        self._level -= 1.0
        if wait > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._closed.wait()
        return not self._closed.is_set()

    @property
    def is_closed(self) -> bool:
        """Whether nobody passes any more."""
        return self._closed.is_set()

    def close(self) -> None:
        """Nobody passes any more."""
        self._closed.set()
