"""How much is done of parts that began with SQLite, in the whole suite and in its slice; the canary on each store."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.reliability import canary, kill_loop, linking, paging
from tests.reliability.grounds import GROUNDS
from tests.reliability.report import Report, at_least, exactly, report
from tests.reliability.rotation import Rotation

EVENTFUL: Final = 250
"""With this seed an operator adds a key, moves to another look-up key and is interrupted, and takes a key out, all in
three kills."""


async def kills(folder: Path, *, quick: bool, seed: int) -> Report:
    """kill -9 of a server while members send money."""
    count, members, seconds = (5, 8, 60) if quick else (40, 16, 200)
    outcome = await kill_loop.run(folder, kills=count, members=members, seconds=seconds, seed=seed)
    return report(outcome.figures, outcome.violations, kills=at_least(count))


async def keys(folder: Path, *, quick: bool, seed: int) -> Report:
    """Secret keys come and go between a kill -9 and the next start."""
    count, members, waiting, seconds = (3, 6, 200, 90) if quick else (20, 12, 2000, 200)
    rotation = Rotation(EVENTFUL if quick else seed, waiting=waiting)
    outcome = await kill_loop.run(
        folder, kills=count, members=members, seconds=seconds, seed=seed, meanwhile=rotation
    )
    return report(outcome.figures, outcome.violations, kills=at_least(count))


async def secrets(folder: Path, *, quick: bool, seed: int) -> Report:
    """PINs typed into a running server, and looked for wherever it writes."""
    result = await canary.run(folder, thorough=not quick)
    return report(result.figures, result.found, hits=exactly(0))


async def secrets_elsewhere(folder: Path, kind: str, *, quick: bool) -> Report:
    """The same with a store on the other side of a wire."""
    with GROUNDS[kind](folder / "store") as ground:
        (folder / "run").mkdir()
        result = await canary.run(folder / "run", ground, thorough=not quick)
    return report(result.figures, result.found, hits=exactly(0))


async def secrets_postgresql(folder: Path, *, quick: bool, seed: int) -> Report:
    return await secrets_elsewhere(folder, "PostgreSQL", quick=quick)


async def secrets_valkey(folder: Path, *, quick: bool, seed: int) -> Report:
    return await secrets_elsewhere(folder, "Valkey", quick=quick)


async def secrets_redis(folder: Path, *, quick: bool, seed: int) -> Report:
    return await secrets_elsewhere(folder, "Redis", quick=quick)


async def pages(folder: Path, *, quick: bool, seed: int) -> Report:
    """Random screens, read by following the keys that their pages show."""
    figures, violations = await paging.run(1_000 if quick else 100_000, seed)
    return report(figures, violations)


async def links(folder: Path, *, quick: bool, seed: int) -> Report:
    """Numbers that are linked, unlinked and handed on between delivery and redelivery, under kill -9."""
    if quick:
        outcome = await linking.run(
            folder, kills=2, people=9, numbers=8, retention=1.0, seconds=8, pace=0.3, seed=seed
        )
    else:
        outcome = await linking.run(
            folder, kills=15, people=12, numbers=10, retention=2.0, seconds=60, pace=0.5, seed=seed
        )
    return report(outcome.figures, outcome.violations)
