"""Time that moves only when a test moves it."""

from __future__ import annotations


class Clock:
    """Seconds since the epoch, UTC, moved by hand. Call it to read it, so it fits wherever `time.time` does."""

    def __init__(self, now: float = 1_750_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let so many seconds pass. Raises `ValueError` for a step back, which no clock here survives."""
        if seconds < 0:
            raise ValueError(f"time moves forward: advance by 0 or more seconds, not {seconds}")
        self.now += seconds
