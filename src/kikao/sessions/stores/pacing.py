"""How fast messages leave, where one process sends them all: the generic cell rate algorithm, in memory.

A restart forgets it: then a burst may follow another too soon, and a provider says again to wait.
"""

from __future__ import annotations


class Paces:
    """What was granted under each name, and who said to wait. Times are seconds since the epoch."""

    def __init__(self) -> None:
        self._next: dict[str, float] = {}  # when the next one would be due if all kept the interval
        self._paused: dict[str, float] = {}

    def ask(self, name: str, now: float, interval: float, burst: int) -> float:
        """As `OutboxStore.pace`."""
        paused = self._paused.get(name, 0.0) - now
        if paused > 0.0:
            return paused
        self._paused.pop(name, None)
        if interval <= 0.0:
            return 0.0
        due = max(self._next.get(name, 0.0), now)
        early = due - now - interval * (max(burst, 1) - 1)
        if early > 0.0:
            return early
        self._next[name] = due + interval
        return 0.0

    def pause(self, name: str, until: float) -> None:
        """As `OutboxStore.pause`."""
        self._paused[name] = max(self._paused.get(name, 0.0), until)
