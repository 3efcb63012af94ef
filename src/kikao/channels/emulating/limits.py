"""How much a provider takes in how much time."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple


class Rate(NamedTuple):
    """So many in so many seconds, whenever these begin."""

    most: int
    seconds: float

    def scaled(self, factor: float) -> Rate:
        """So many times as much in the same time, at least one."""
        return Rate(max(1, round(self.most * factor)), self.seconds)


class Windows:
    """What was taken lately, by whatever a rate is for."""

    def __init__(self) -> None:
        self._taken: dict[str, deque[float]] = {}

    def wait(self, key: str, rate: Rate, now: float) -> float:
        """Seconds until one more is taken; 0 where it is now."""
        taken = self._taken.get(key)
        if taken is None:
            return 0.0
        while taken and taken[0] <= now - rate.seconds:
            taken.popleft()
        if not taken:
            del self._taken[key]
            return 0.0
        return taken[0] + rate.seconds - now if len(taken) >= rate.most else 0.0

    def take(self, key: str, now: float) -> None:
        """One more."""
        self._taken.setdefault(key, deque()).append(now)
