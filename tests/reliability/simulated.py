"""The parts that run in simulated time: many seeds of a world in trouble."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.reliability.report import Report, at_least, report
from tests.reliability.simulation import mutants, running

SHOWN = 20
"""Broken seeds that are named."""


async def mutation(folder: Path, *, quick: bool, seed: int) -> Report:
    """The product with one rule taken out at a time: after how many seeds a law notices."""
    found = await asyncio.to_thread(mutants.hunt_all, 60 if quick else 4_000, first=0 if quick else seed)
    if quick:  # some take more seeds than a slice has: those are only shown
        found = [each for each in found if each.seeds]
    figures = {f"{each.mutant}, caught after seeds": each.seeds for each in found}
    uncaught = [
        f"{each.mutant}: not caught; it broke {each.laws or 'nothing'}" for each in found if not each.seeds
    ]
    return report(
        {"mutants caught": len(found) - len(uncaught), **figures},
        uncaught,
        mutants_caught=at_least(8 if quick else len(mutants.MUTANTS)),
    )


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
