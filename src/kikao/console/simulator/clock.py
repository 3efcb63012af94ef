"""A clock that runs ahead: sessions expire and windows close without anybody waiting for it."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

FARTHEST: Final = 10 * 366 * 86400.0
"""Seconds it may be ahead: ten years."""

FILE: Final = "simulated-clock"


class SimulatedClock:
    """Seconds since the epoch, UTC: another clock's, and by how many it was moved forward.

    With a `path` that is kept in a file, so that time does not go back when the server is started again: stored
    sessions would then come from the future. A file that holds something else counts as none.
    """

    def __init__(self, clock: Callable[[], float], path: Path | None = None) -> None:
        self._clock = clock
        self._path = path
        self.offset = _kept(path)

    def __call__(self) -> float:
        return self._clock() + self.offset

    def after(self, seconds: float) -> float:
        """What time it will be when so many seconds more have passed at once.

        Raises `ValueError` for a step back, and for one past `FARTHEST`.
        """
        if not (0 <= seconds <= FARTHEST):  # nor is NaN
            raise ValueError("time moves forward, by 0 seconds or more, and at most ten years")
        if self.offset + seconds > FARTHEST:
            raise ValueError("the clock can be ten years ahead, no more")
        return self() + seconds

    def advance(self, seconds: float) -> None:
        """Let so many seconds pass. Raises what `after` does, and `OSError` when it cannot be kept."""
        self.after(seconds)
        offset = self.offset + seconds
        if self._path is not None and self._path.parent.is_dir():
            draft = self._path.with_name(f".{self._path.name}")
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(f"{offset!r}\n")
            draft.replace(self._path)
        self.offset = offset


def _kept(path: Path | None) -> float:
    if path is not None:
        with contextlib.suppress(OSError, ValueError):
            offset = float(path.read_text(encoding="ascii"))
            if math.isfinite(offset) and 0 <= offset <= FARTHEST:
                return offset
    return 0.0
