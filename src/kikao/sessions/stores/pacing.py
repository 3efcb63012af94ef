"""How fast messages leave, where one process sends them all: the generic cell rate algorithm, in memory.

A restart forgets it: then a burst may follow another too soon, and a provider says again to wait.
"""

from __future__ import annotations

from typing import Final

MOST: Final = 10_000
"""Names that are remembered before those are dropped whose time has come: they are as good as new."""


class Paces:
    """What was granted under each name, and who said to wait. Times are seconds since the epoch."""

    def __init__(self) -> None:
        self._next: dict[str, float] = {}  # when the next one would be due if all kept the interval
        self._paused: dict[str, float] = {}
        self._room = MOST

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
        if len(self._next) > self._room:
            self._next = {name: due for name, due in self._next.items() if due > now}
            self._paused = {name: until for name, until in self._paused.items() if until > now}
            self._room = max(MOST, 2 * len(self._next))
        return 0.0

    def pause(self, name: str, until: float) -> None:
        """As `OutboxStore.pause`."""
        self._paused[name] = max(self._paused.get(name, 0.0), until)
