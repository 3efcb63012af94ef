"""kill -9 on each store that processes share: alone, and as one of several that serve the same members.

The lease of a session lasts 2 s here, not 15: who was in the middle of a turn of a killed process waits for as long.
"""

from __future__ import annotations

from pathlib import Path

from tests.reliability import kill_loop
from tests.reliability.grounds import GROUNDS
from tests.reliability.report import Report, at_least, report


async def run(folder: Path, kind: str, *, processes: int, quick: bool, seed: int) -> Report:
    count, members, seconds = (4, 8, 60) if quick else (30, 16, 150)
    with GROUNDS[kind](folder / "store") as ground:
        outcome = await kill_loop.run(
            folder,
            kills=count,
            members=members,
            seconds=seconds,
            seed=seed,
            store=ground.url,
            processes=processes,
            lease=2.0,
        )
    figures = {"processes": processes, **outcome.figures}
    return report(figures, outcome.violations, kills=at_least(count))


async def postgresql(folder: Path, *, quick: bool, seed: int) -> Report:
    return await run(folder, "PostgreSQL", processes=2, quick=quick, seed=seed)


async def valkey(folder: Path, *, quick: bool, seed: int) -> Report:
    return await run(folder, "Valkey", processes=3, quick=quick, seed=seed)


async def redis(folder: Path, *, quick: bool, seed: int) -> Report:
    return await run(folder, "Redis", processes=1, quick=quick, seed=seed)
