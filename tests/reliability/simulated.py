"""The parts that run in simulated time: many seeds of a world in trouble."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.corpus import recording
from tests.reliability.report import Report, at_least, exactly, report
from tests.reliability.simulation import crash_points, mutants, running

SHOWN = 20
"""Broken seeds that are named."""


async def mutation(folder: Path, *, quick: bool, seed: int) -> Report:
    """The product with one rule taken out at a time: after how many seeds a law notices."""
    # The slice begins where each was caught before: some are, by chance, once in a thousand seeds.
    found = await asyncio.to_thread(
        mutants.hunt_all, 5_000 if quick else 25_000, first=None if quick else seed
    )
    figures = {f"{each.mutant}, caught after seeds": each.seeds for each in found}
    uncaught = [
        f"{each.mutant}: not caught; it broke {each.laws or 'nothing'}" for each in found if not each.seeds
    ]
    return report(
        {"mutants caught": len(found) - len(uncaught), **figures},
        uncaught,
        mutants_caught=exactly(len(mutants.MUTANTS)),
    )


async def crashes(folder: Path, *, quick: bool, seed: int) -> Report:
    """Eight conversations, killed at everything that a worker awaits, and at pairs of these."""
    found = await asyncio.to_thread(
        crash_points.every_conversation, seconds=120.0 if quick else 900.0, most=16 if quick else None
    )
    figures: dict[str, int] = {}
    for each in found:
        figures |= {
            f"{each.name}: crash points": each.run,
            f"{each.name}: recovered": each.recovered,
            f"{each.name}: pairs run": each.pairs_run,
            f"{each.name}: pairs recovered": each.pairs_recovered,
        }
    points, pairs = sum(each.run for each in found), sum(each.pairs_run for each in found)
    total = {
        "conversations": len(found),
        "crash points": points,
        "crash points recovered": sum(each.recovered for each in found),
        "pairs there are": sum(each.pairs for each in found),
        "pairs that can differ": sum(each.distinct for each in found),
        "pairs run": pairs,
        "pairs recovered": sum(each.pairs_recovered for each in found),
    }
    broken = [line for each in found for line in each.broken]
    return report(
        {**total, **figures},
        broken[:SHOWN],
        crash_points=exactly(sum(each.points for each in found)),
        crash_points_recovered=exactly(points),
        pairs_run=at_least(8 * len(found)),
        pairs_recovered=exactly(pairs),
    )


async def journals(folder: Path, *, quick: bool, seed: int) -> Report:
    """Conversations as earlier releases stored them, gone on with by today's code."""
    found, broken = await recording.replay_all()
    return report({"releases": len(found), "journals": sum(found.values())}, broken, releases=at_least(1))


async def simulation(folder: Path, *, quick: bool, seed: int) -> Report:
    """Seeded schedules of crashes, duplicates, reordering, stalls and lost answers. `seed` is the first of them."""
    seeds, seconds = (800, 120.0) if quick else (100_000, 3_000.0)
    tried = await asyncio.to_thread(running.run, seeds, first=seed, seconds=seconds)
    figures = {
        "seeds": tried.seeds,
        "steps": tried.steps,
        "hours of simulated time": round(tried.seconds / 3600),
        **{name: count for name, count in sorted(tried.counts.items()) if not name.startswith("weather")},
    }
    broken = [f"seed {number}: {'; '.join(laws)}" for number, laws in sorted(tried.broken.items())]
    return report(figures, broken[:SHOWN], seeds=at_least(seeds))
