"""What expires when, at eight bytes an entry, without a scan and without work when an expiry moves back.

Keys are filed under slots of ten seconds. An entry that was prolonged stays in its old slot and is filed
again when a sweep meets it there, so a session that lives for many turns is touched once per time-out, not
once per turn. Each owner remembers the slot a key is filed under; an entry found under another slot is stale.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from typing import Final

WIDTH: Final = 10.0
"""Seconds per slot."""

NEVER: Final = 2**62
"""The slot of what does not expire, and the one a new key is compared with."""

REMOVED: Final = -1
STALE: Final = -2

Visit = Callable[[bytes, int], int]
"""Judges a key found under a slot: `REMOVED`, `STALE`, or the slot it belongs under now (and remembers that).
"""

_CHUNK: Final = 64
"""Keys visited before other tasks get their turn: about a tenth of a millisecond."""

_PAUSE: Final = 0.001
"""Seconds that they get it for."""


def slot_of(expires_at: float) -> int:
    return int(expires_at // WIDTH) if expires_at < 1e15 else NEVER


class ExpiryIndex:
    def __init__(self) -> None:
        self._slots: dict[int, list[bytes]] = {}
        self._order: list[int] = []  # a heap of the slots

    def file(self, key: bytes, slot: int) -> None:
        keys = self._slots.get(slot)
        if keys is None:
            keys = self._slots[slot] = []
            heapq.heappush(self._order, slot)
        keys.append(key)

    async def sweep(self, visit: Visit, *, now: float, limit: int) -> int:
        """Visit what may have expired until `limit` keys are removed or none is left; return how many were.

        Yields to other tasks between chunks.
        """
        last = slot_of(now)
        removed = visited = 0
        kept: list[tuple[bytes, int]] = []
        try:
            while removed < limit and (found := self._pop(last, min(_CHUNK, limit - removed))):
                for key, slot in found:
                    verdict = visit(key, slot)
                    if verdict == REMOVED:
                        removed += 1
                    elif verdict > last:
                        self.file(key, verdict)
                    elif verdict != STALE:
                        kept.append((key, verdict))
                visited += len(found)
                if visited >= _CHUNK:
                    visited = 0
                    await asyncio.sleep(_PAUSE)
        finally:
            for key, slot in kept:
                self.file(key, slot)
        return removed

    def _pop(self, last: int, limit: int) -> list[tuple[bytes, int]]:
        """Up to `limit` keys of one slot that is not after `last`."""
        while self._order and (slot := self._order[0]) <= last:
            keys = self._slots[slot]
            taken = keys[-limit:]
            del keys[-limit:]
            if not keys:
                heapq.heappop(self._order)
                del self._slots[slot]
            if taken:
                return [(key, slot) for key in taken]
        return []
