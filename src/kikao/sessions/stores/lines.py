"""Who waits in this process for which session, where leases are held in a store that others share.

The store says who holds a session; here stand those of one process that want it, first come, first served. Only the
first of a line asks the store: at once when a turn of this process ends, and in between again and again, since turns of
other processes say nothing. Between processes nobody is in line: whoever asks first when a session is free has it. A
session that nobody claims costs nothing here.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

from msgspec.structs import replace

from kikao.sessions.store import Busy, Claim, Duplicate
from kikao.sessions.stores.jitter import jittered

FIRST_PAUSE: Final = 0.004
"""Seconds, or a little less, until the store is asked again; then longer and longer."""

LONGEST_PAUSE: Final = 0.1

_GROWTH: Final = 1.6

Ask = Callable[[float, bool], Awaitable[Claim | Duplicate | Busy]]
"""Asks the store, so many seconds after the claim began; takes the session if it is free, or (False) only looks."""


class Lines:
    """Lines by session key. Not thread-safe: it belongs to one event loop."""

    def __init__(self) -> None:
        self._lines: dict[bytes, _Line] = {}

    async def claim(self, key: bytes, ask: Ask, *, wait: float) -> Claim | Duplicate | Busy:
        """The answer of the store, for which those who came before are waited for, and then the session, `wait` seconds
        in all.
        """
        if wait <= 0.0:
            return await ask(0.0, True)
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = _Line()
        place = line.join()  # before the store is asked, whose answers may come in another order
        try:
            began = asyncio.get_running_loop().time()
            is_first = place.done()
            found = await ask(0.0, is_first)
            if not isinstance(found, Busy):
                return found
            answer = await _wait(line, place, ask, wait, began, just_asked=is_first)
        finally:
            line.leave(place)
            if not line:
                del self._lines[key]
        if isinstance(answer, Claim):
            return replace(answer, version_on_arrival=0 if found.record is None else found.record.version)
        return answer

    def wake(self, key: bytes) -> None:
        """A turn of this process has ended: the session may be free."""
        if (line := self._lines.get(key)) is not None:
            line.wake()

    def close(self) -> None:
        """Have everybody ask, who then hears that the store is closed."""
        for line in self._lines.values():
            line.wake()


class _Line:
    """Those who wait for one session."""

    __slots__ = ("_places", "_woken")

    def __init__(self) -> None:
        self._places: deque[asyncio.Future[None]] = deque()
        self._woken: asyncio.Future[None] | None = None

    def __bool__(self) -> bool:
        return bool(self._places)

    def join(self) -> asyncio.Future[None]:
        """Stand at the end; the future is done as soon as one is the first."""
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._places.append(place)
        if len(self._places) == 1:
            place.set_result(None)
        return place

    def leave(self, place: asyncio.Future[None]) -> None:
        was_first = self._places[0] is place
        self._places.remove(place)
        place.cancel()
        if was_first and self._places:
            self._places[0].set_result(None)

    def wake(self) -> None:
        """The first may ask now."""
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)

    async def pause(self, seconds: float) -> None:
        """Wait for so long, or until woken; for the first only."""
        self._woken = asyncio.get_running_loop().create_future()
        try:
            await asyncio.wait((self._woken,), timeout=seconds)
        finally:
            self._woken = None


async def _wait(
    line: _Line, place: asyncio.Future[None], ask: Ask, wait: float, began: float, *, just_asked: bool
) -> Claim | Duplicate | Busy:
    """Wait to be the first, and then ask again and again, until `wait` seconds after it `began`."""
    clock = asyncio.get_running_loop().time
    pause = FIRST_PAUSE
    if just_asked:
        await line.pause(min(jittered(pause), wait))
    else:
        await asyncio.wait((place,), timeout=max(0.0, began + wait - clock()))
    while True:
        waited = clock() - began
        found = await ask(waited, place.done())
        if not isinstance(found, Busy) or waited >= wait or not place.done():
            return found
        await line.pause(min(jittered(pause), wait - waited))
        pause = min(pause * _GROWTH, LONGEST_PAUSE)
