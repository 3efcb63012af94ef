"""Many seeds, over all cores: what went wrong in them by design, and which of them broke a law."""

from __future__ import annotations

import gc
import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Final

import msgspec

from tests.reliability.simulation.loop import Stuck
from tests.reliability.simulation.world import World, simulate

CHUNK: Final = 250
"""Seeds that a process is given at a time."""

GARBAGE: Final = 40
"""Seeds between two collections of garbage: worlds are full of cycles, and the collector looks too often."""


class Tried(msgspec.Struct):
    """What came of some seeds."""

    seeds: int
    counts: dict[str, int]
    broken: dict[int, list[str]]
    """Laws by the seeds that broke them."""
    steps: int = 0
    seconds: float = 0.0
    """Of simulated time."""


def attempt(seed: int) -> tuple[World | None, list[str]]:
    """One seed: its world, and the laws it broke, each once."""
    try:
        world = simulate(seed)
    except Exception as error:
        return None, [f"the world fell apart: {type(error).__name__}: {error}"]
    return world, list(dict.fromkeys(world.laws.violations))


def attempt_all(seeds: Iterable[int], *, until: Callable[[list[str]], bool] | None = None) -> Tried:
    """Seeds one after the other; with `until` no further than the first whose broken laws it is true of."""
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    tried, counts = Tried(0, {}, {}), Counter[str]()
    gc.disable()
    try:
        for seed in seeds:
            world, laws = attempt(seed)
            tried.seeds += 1
            if world is not None:
                counts.update(world.counts)
                tried.steps += world.loop.steps
                tried.seconds += world.loop.now
            if laws:
                tried.broken[seed] = laws
                if until is not None and until(laws):
                    break
            if tried.seeds % GARBAGE == 0:
                gc.collect()
    finally:
        gc.enable()
    tried.counts = dict(counts)
    return tried


def cores() -> int:
    """How many processes may run at the same time."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run(seeds: int, *, first: int = 0, seconds: float = 3600.0, workers: int | None = None) -> Tried:
    """So many seeds from `first` on, for so many seconds at most."""
    until = time.monotonic() + seconds
    total, counts = Tried(0, {}, {}), Counter[str]()

    def chunks() -> Iterator[range]:
        for start in range(first, first + seeds, CHUNK):
            yield range(start, min(start + CHUNK, first + seeds))

    count = workers or cores()
    with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
        waiting = list(chunks())[::-1]
        running = [pool.submit(attempt_all, waiting.pop()) for _ in range(min(2 * count, len(waiting)))]
        while running:
            tried = running.pop(0).result()
            total.seeds += tried.seeds
            total.steps += tried.steps
            total.seconds += tried.seconds
            total.broken |= tried.broken
            counts.update(tried.counts)
            if waiting and time.monotonic() < until:
                running.append(pool.submit(attempt_all, waiting.pop()))
    total.counts = dict(counts)
    return total


def trace(seed: int) -> tuple[list[str], list[str]]:
    """A seed line by line, and the laws that it broke."""
    kept: list[World] = []
    try:
        world = simulate(seed, tracing=True, prepare=kept.append)
    except (Exception, Stuck) as error:
        return kept[0].trace, [f"the world fell apart: {type(error).__name__}: {error}"]
    return world.trace, world.laws.violations
