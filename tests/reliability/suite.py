"""The rows of the suite: what each does, and the table that is printed."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from tests.reliability import canary, kill_loop, linking, paging
from tests.reliability.rotation import Rotation


async def kills(folder: Path, *, quick: bool, seed: int) -> tuple[Mapping[str, float], list[str]]:
    """kill -9 of a server while members send money."""
    if quick:
        outcome = await kill_loop.run(folder, kills=5, members=8, seconds=60, seed=seed)
    else:
        outcome = await kill_loop.run(folder, kills=100, members=16, seconds=400, seed=seed)
    return outcome.figures, outcome.violations


async def keys(folder: Path, *, quick: bool, seed: int) -> tuple[Mapping[str, float], list[str]]:
    """Secret keys come and go between a kill -9 and the next start."""
    if quick:
        rotation = Rotation(seed, waiting=200)
        outcome = await kill_loop.run(folder, kills=4, members=6, seconds=90, seed=seed, meanwhile=rotation)
    else:
        rotation = Rotation(seed, waiting=3000)
        outcome = await kill_loop.run(
            folder, kills=50, members=12, seconds=450, seed=seed, meanwhile=rotation
        )
    return outcome.figures, outcome.violations


async def secrets(folder: Path, *, quick: bool, seed: int) -> tuple[Mapping[str, float], list[str]]:
    """PINs typed into a running server, and looked for wherever it writes."""
    result = await canary.run(folder)
    return result.figures, result.found


async def pages(folder: Path, *, quick: bool, seed: int) -> tuple[Mapping[str, float], list[str]]:
    """Random screens, read by following the keys that their pages show."""
    return await paging.run(1_000 if quick else 100_000, seed)


async def links(folder: Path, *, quick: bool, seed: int) -> tuple[Mapping[str, float], list[str]]:
    """Numbers that are linked, unlinked and handed on between delivery and redelivery, under kill -9."""
    if quick:
        outcome = await linking.run(
            folder, kills=2, people=9, numbers=8, retention=1.0, seconds=8, pace=0.3, seed=seed
        )
    else:
        outcome = await linking.run(
            folder, kills=50, people=12, numbers=10, retention=2.0, seconds=240, pace=0.5, seed=seed
        )
    return outcome.figures, outcome.violations


ROWS = {
    "kill -9 during transfers": kills,
    "rotation of keys": keys,
    "secret canary": secrets,
    "paging proof": pages,
    "linking": links,
}


def main(*, quick: bool, seed: int) -> int:
    """Run every row; print one table. The exit code is 1 when anything was violated."""
    violations: list[str] = []
    print(f"reliability, seed {seed}{', quick' if quick else ''}")
    for title, row in ROWS.items():
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="kikao-reliability-") as folder:
            figures, found = asyncio.run(row(Path(folder), quick=quick, seed=seed))
        violations += [f"{title}: {violation}" for violation in found]
        print(f"\n{title}")
        for name, value in {
            **figures,
            "violations": len(found),
            "seconds": round(time.monotonic() - began),
        }.items():
            print(f"  {name:<28} {value:>10,}", flush=True)
    for violation in violations:
        print(f"VIOLATED: {violation}")
    return 1 if violations else 0
