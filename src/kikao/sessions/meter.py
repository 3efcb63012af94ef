"""Who came how often: one rate over many keys, in memory of constant size.

The table is divided into small buckets by the key's hash, as a processor's cache is. A key that finds its bucket full
takes the place of the one that is nearest to being as good as new, so what a flood of new keys displaces is the flood
itself. To free a key that is over its limit, everyone else in its bucket must be further over it; since nobody outside
can tell which keys share a bucket, that takes some `keys * burst` requests within the time of one burst.
"""

from __future__ import annotations

from array import array
from typing import Final

from kikao.sessions.limits import MICROSECONDS, Rate, judge

KEYS: Final = 1 << 14
"""Keys that a table remembers, in 256 KB: far more than a process can take a burst of within a minute."""

WAYS: Final = 8
"""Places in a bucket."""


class Meter:
    """One rate for each of many keys. A key is a keyed hash of 8 octets or more: no identity is kept here."""

    def __init__(self, rate: Rate, *, keys: int = KEYS) -> None:
        self._pace = rate.pace
        self._buckets = -(-keys // WAYS)
        self._marks = array("Q", bytes(8 * WAYS * self._buckets))
        self._tats = array("q", bytes(8 * WAYS * self._buckets))

    def take(self, key: bytes, now: float) -> float:
        """Count one at `now` (seconds since the epoch): 0.0 if it may come, else seconds until it may.

        What may not come is not counted.
        """
        slot = self._slot(key)
        _, self._tats[slot], wait = judge(self._pace, self._tats[slot], int(now * MICROSECONDS))
        return wait / MICROSECONDS

    def give_back(self, key: bytes) -> None:
        """Undo a `take` of a moment ago: what it let through did not happen."""
        self._tats[self._slot(key)] -= self._pace.interval

    def _slot(self, key: bytes) -> int:
        """The place of a key; one that has none gets the least of its bucket."""
        mark = int.from_bytes(key[:8], "big")
        first = mark % self._buckets * WAYS
        try:
            return self._marks.index(mark, first, first + WAYS)
        except ValueError:
            slot = min(range(first, first + WAYS), key=self._tats.__getitem__)
            self._marks[slot], self._tats[slot] = mark, 0
            return slot
