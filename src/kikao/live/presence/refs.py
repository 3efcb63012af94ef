"""Refs of what is tracked: unique, and in the order of time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Final

RANDOM: Final = 7
"""Octets that two processes do not have in common."""


class Refs:
    """Makes them: 27 digits of base 16, of which the first 13 are the time, so that text order is the order of time.

    Those of one process are in its order whatever its clock does; those of several as well as their clocks agree.
    """

    def __init__(
        self, wall: Callable[[], float] = time.time, random: Callable[[int], bytes] = os.urandom
    ) -> None:
        self._wall = wall
        self._own = random(RANDOM).hex()
        self._last = 0

    def __call__(self) -> str:
        self._last = max(self._last + 1, int(self._wall() * 1e6))
        return f"{self._last:013x}{self._own}"
