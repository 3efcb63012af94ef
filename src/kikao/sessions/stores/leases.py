"""Who works on which session, in one process: leases with fences, and a line of those who wait.

A lease is for speed only (see `kikao.sessions.store`): it lapses by itself, and a writer that lost it is
caught by version and fence. A session nobody works on costs nothing here: no object, no task, no timer.

Two clocks meet. Callers pass `now` (seconds since the epoch), which decides whether a lease has lapsed; those
who wait do so in the event loop's time, and their `now` moves on with it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from kikao.sessions.store import StoreUnavailable

PRUNE_FROM: Final = 1024
"""Leases of turns that died are dropped when this many are held, then whenever the number has doubled."""


Lease = tuple[int, float]
"""The fence, and until when (seconds since the epoch): a bare tuple, for the speed of a claim."""


class Leases:
    """Leases by session key. Not thread-safe: it belongs to one event loop.

    Fences count up from `fence` (the last one given before), over all keys.
    """

    def __init__(self, fence: int = 0) -> None:
        self.fence = fence
        self._held: dict[bytes, Lease] = {}
        self._lines: dict[bytes, _Line] = {}  # a key has a line only while it is held
        self._prune_at = PRUNE_FROM

    def __len__(self) -> int:
        return len(self._held)

    def take(self, key: bytes, now: float, lease: float) -> Lease | None:
        """The lease, if the session is free (or its lease has lapsed) and nobody is in line for it."""
        held = self._held.get(key)
        if held is not None:
            if held[1] > now:
                return None
            if key in self._lines:
                self._hand_over(key, now)
                if key in self._held:
                    return None
        self.fence = fence = self.fence + 1
        self._held[key] = taken = (fence, now + lease)
        if len(self._held) > self._prune_at:
            self._prune(now)
        return taken

    async def wait(self, key: bytes, *, now: float, lease: float, wait: float) -> Lease | None:
        """Stand in line for a session that `take` refused; None after `wait` seconds of the event loop's
        time.

        Raises `StoreUnavailable` when the store is closed meanwhile.
        """
        loop = asyncio.get_running_loop()
        waiter = _Waiter(loop.create_future(), lease, now - loop.time())
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = _Line()
            self._watch(key, line, self._held[key][1] - now)
        line.waiters.append(waiter)
        giving_up = loop.call_later(wait, waiter.give_up)
        try:
            return await waiter.granted
        except asyncio.CancelledError:
            # Cancelled in the moment between the grant and this line: pass it on.
            if waiter.granted.done() and not waiter.granted.cancelled() and (won := waiter.granted.result()):
                self.release(key, won[0])
            raise
        finally:
            giving_up.cancel()
            self._leave(key, waiter)

    def release(self, key: bytes, fence: int) -> None:
        """Give the lease back, to the next in line if there is one; harmless if `fence` does not hold it."""
        held = self._held.get(key)
        if held is None or held[0] != fence:
            return
        if key in self._lines:
            self._hand_over(key)
        else:
            del self._held[key]

    def is_held(self, key: bytes, now: float) -> bool:
        held = self._held.get(key)
        return held is not None and held[1] > now

    def close(self) -> None:
        """Send everybody in line away."""
        for line in self._lines.values():
            line.stop()
            for waiter in line.waiters:
                if not waiter.granted.done():
                    waiter.granted.set_exception(StoreUnavailable("The session store was closed."))
        self._lines.clear()
        self._held.clear()

    def _hand_over(self, key: bytes, now: float = 0.0) -> None:
        line = self._lines[key]
        time = asyncio.get_running_loop().time()
        while line.waiters:
            waiter = line.waiters.popleft()
            if waiter.granted.done():  # gave up or was cancelled
                continue
            self.fence = fence = self.fence + 1
            self._held[key] = given = (fence, max(waiter.offset + time, now) + waiter.lease)
            waiter.granted.set_result(given)
            if line.waiters:
                self._watch(key, line, waiter.lease)
            else:
                self._drop(key, line)
            return
        self._drop(key, line)
        del self._held[key]

    def _watch(self, key: bytes, line: _Line, remaining: float) -> None:
        """Hand over when the lease lapses, `remaining` seconds from now."""
        line.stop()
        line.lapse = asyncio.get_running_loop().call_later(max(remaining, 0.0), self._hand_over, key)

    def _leave(self, key: bytes, waiter: _Waiter) -> None:
        line = self._lines.get(key)
        if line is not None and waiter in line.waiters:
            line.waiters.remove(waiter)
            if not line.waiters:
                self._drop(key, line)

    def _drop(self, key: bytes, line: _Line) -> None:
        line.stop()
        del self._lines[key]

    def _prune(self, now: float) -> None:
        lapsed = [key for key, held in self._held.items() if held[1] <= now and key not in self._lines]
        for key in lapsed:
            del self._held[key]
        self._prune_at = max(PRUNE_FROM, 2 * len(self._held))


class _Waiter:
    __slots__ = ("granted", "lease", "offset")

    def __init__(self, granted: asyncio.Future[Lease | None], lease: float, offset: float) -> None:
        self.granted = granted
        self.lease = lease
        self.offset = offset
        """Seconds from the event loop's time to the caller's."""

    def give_up(self) -> None:
        if not self.granted.done():
            self.granted.set_result(None)


class _Line:
    """Those who wait for one session, first come first served, and the timer of the lease they wait for."""

    __slots__ = ("lapse", "waiters")

    def __init__(self) -> None:
        self.waiters: deque[_Waiter] = deque()
        self.lapse: asyncio.TimerHandle | None = None

    def stop(self) -> None:
        if self.lapse is not None:
            self.lapse.cancel()
            self.lapse = None
