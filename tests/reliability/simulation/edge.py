"""The edge of the simulated world: time and randomness of the process are those of the schedule while it runs."""

from __future__ import annotations

import contextlib
import os
import random
import time
from collections.abc import Iterator
from typing import Final

from tests.reliability.simulation.loop import Loop

START: Final = 1_700_000_000.0
"""When a schedule begins, seconds since the epoch."""


@contextlib.contextmanager
def simulated(seed: int, loop: Loop) -> Iterator[None]:
    """Keys, nonces, ids and clocks from a seed and a loop, so that whatever runs within can be repeated exactly."""
    source = random.Random(f"{seed}/octets")
    before = os.urandom, time.time, time.monotonic, time.perf_counter
    os.urandom = source.randbytes
    time.monotonic = time.perf_counter = loop.time
    time.time = lambda: START + loop.now
    try:
        yield
    finally:
        os.urandom, time.time, time.monotonic, time.perf_counter = before


class SkewedClock:
    """The clock of one machine: seconds since the epoch, a little wrong."""

    def __init__(self, loop: Loop, skew: float) -> None:
        self._loop = loop
        self._start = START + skew

    def __call__(self) -> float:
        return self._start + self._loop.now
