"""Who came how often: one rate over many names, in memory of constant size.

Names are kept as hashes under a key of this process: a dump of a table names nobody, and nobody outside can tell which
names share a place in it. The table is divided into small buckets by the hash, as a processor's cache is. A name that
finds its bucket full takes the place of the one that is nearest to being as good as new, so what a flood of new names
displaces is the flood itself. To free one that is over its limit, everyone else in its bucket must be further over
it, which takes some `names * burst` requests within the time of one burst.
"""

from __future__ import annotations

import os
from array import array
from typing import Final

from kikao.sessions.limits import MICROSECONDS, Rate, judge

NAMES: Final = 1 << 14
"""Names that a table remembers, in 256 KB: far more than a process can take a burst of within its time."""

WAYS: Final = 8
"""Places in a bucket."""


class Meter:
    """One rate for each of many names. For one event loop."""

    def __init__(self, rate: Rate, *, names: int = NAMES) -> None:
        self._key = int.from_bytes(os.urandom(7), "big")
        """Beside the key that Python hashes texts with, which an operator may have fixed (`PYTHONHASHSEED`)."""
        self._pace = rate.pace
        self._buckets = -(-names // WAYS)
        self._marks = array("q", bytes(8 * WAYS * self._buckets))
        self._tats = array("q", bytes(8 * WAYS * self._buckets))

    def take(self, name: str, now: float) -> float:
        """Count one at `now` (seconds since the epoch): 0.0 if it may come, else seconds until it may.

        What may not come is not counted.
        """
        slot = self._slot(name)
        _, self._tats[slot], wait = judge(self._pace, self._tats[slot], int(now * MICROSECONDS))
        return wait / MICROSECONDS

    def give_back(self, name: str) -> None:
        """Undo a `take` of a moment ago: what it let through did not happen."""
        self._tats[self._slot(name)] -= self._pace.interval

    def _slot(self, name: str) -> int:
        """The place of a name; one that has none gets the least of its bucket."""
        mark = hash((self._key, name))
        first = mark % self._buckets * WAYS
        try:
            return self._marks.index(mark, first, first + WAYS)
        except ValueError:
            slot = min(range(first, first + WAYS), key=self._tats.__getitem__)
            self._marks[slot], self._tats[slot] = mark, 0
            return slot
