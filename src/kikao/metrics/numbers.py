"""The plain numbers that metrics are made of: cheap to add to, and only read when somebody asks."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from typing import Final

Labels = tuple[str, ...]

Counts = Counter[Labels]
"""How often, by the values of some labels."""

OTHER: Final = "other"
"""What stands for the names that came too late to have series of their own."""


class Durations:
    """A histogram; `bounds` are the upper ones of its buckets, in ascending order."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def add(self, value: float) -> None:
        """Count one."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value


class Bounded(Counts):
    """Counts by names of the app's code, of which a mistake in it may make ever more.

    From the `limit`-th set of labels on new ones are counted as `other` (but for the first label, the flow's, where
    that is known); `dropped` says how often that was.
    """

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit = limit
        self.dropped = 0
        self._firsts: set[str] = set()

    def add(self, labels: Labels) -> None:
        """Count one."""
        count = self.get(labels)
        if count is not None:
            self[labels] = count + 1
            return
        if len(self) >= self.limit:
            self.dropped += 1
            first = labels[0] if labels[0] in self._firsts else OTHER
            labels = (first, *(OTHER for _ in labels[1:]))
        else:
            self._firsts.add(labels[0])
        self[labels] += 1
