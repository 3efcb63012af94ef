"""The parts that run in simulated time: many seeds of a world in trouble."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.reliability.report import Report, at_least, report
from tests.reliability.simulation import running

SHOWN = 20
"""Broken seeds that are named."""


async def simulation(folder: Path, *, quick: bool, seed: int) -> Report:
    """Seeded schedules of crashes, duplicates, reordering, stalls and lost answers. `seed` is the first of them."""
    seeds, seconds = (800, 30.0) if quick else (100_000, 600.0)
    tried = await asyncio.to_thread(running.run, seeds, first=seed, seconds=seconds)
    figures = {
        "seeds": tried.seeds,
        "steps": tried.steps,
        "hours of simulated time": round(tried.seconds / 3600),
        **{name: count for name, count in sorted(tried.counts.items()) if not name.startswith("weather")},
    }
    broken = [f"seed {number}: {'; '.join(laws)}" for number, laws in sorted(tried.broken.items())]
    return report(figures, broken[:SHOWN], seeds=at_least(seeds))
