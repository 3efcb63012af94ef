"""The suite: every part in a process of its own, three at a time since most wait, and one table of what they saw.

A part that ends without a report has failed, as has one that takes far too long.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from tests.reliability.parts import PARTS, Part
from tests.reliability.report import Report

PATIENCE: Final = 3600.0
"""Seconds a part may take."""

LAST_WORDS: Final = 4000
"""Characters of a failed part's output that are shown."""

REPORT: Final = "REPORT "
"""Begins the line in which a process tells its report."""

WIDTH: Final = (28, 56, 16, 12)


class Told(msgspec.Struct):
    """A part's report, and how long it took."""

    part: Part
    report: Report
    seconds: float


def run_one(part: Part, *, quick: bool, seed: int) -> Report:
    """Run a part in this process."""

    async def work() -> Report:
        with tempfile.TemporaryDirectory(prefix="kikao-", ignore_cleanup_errors=True) as folder:
            return await part.load()(Path(folder), quick=quick, seed=seed)

    return asyncio.run(work())


def tell(found: Report) -> None:
    """Say a report to the process that waits for it."""
    print(f"{REPORT}{msgspec.json.encode(found).decode()}", flush=True)


async def told(part: Part, *, quick: bool, seed: int) -> Told:
    """Run a part in a process of its own."""
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.reliability", "--report", part.name, "--seed", str(seed)),
        *(("--quick",) if quick else ()),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        limit=2**24,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            said, _ = await process.communicate()
        found = _report_in(said.decode(errors="replace"), process.returncode)
    except TimeoutError:
        found = Report({}, [f"not done after {PATIENCE:.0f} s"])
    finally:
        with suppress(ProcessLookupError):  # and whatever it started
            os.killpg(process.pid, 9)
    return Told(part, found, time.monotonic() - began)


def _report_in(said: str, code: int | None) -> Report:
    for line in reversed(said.splitlines()):
        if line.startswith(REPORT):
            return msgspec.json.decode(line[len(REPORT) :], type=Report)
    return Report({}, [f"ended with {code} and no report: {said[-LAST_WORDS:]}"])


async def side_by_side(parts: Iterable[Part], *, quick: bool, seed: int, lanes: int) -> list[Told]:
    """Run parts, so many at a time, the longest first; in the order in which they were given."""
    parts, gate = list(parts), asyncio.Semaphore(lanes)

    async def one(part: Part) -> Told:
        async with gate:
            found = await told(part, quick=quick, seed=seed)
            wrong = found.report.wrong()
            print(f"  {part.name}: {found.seconds:.0f} s{', VIOLATED' if wrong else ''}", flush=True)
            return found

    longest = sorted(parts, key=lambda part: -part.seconds[quick])
    done = await asyncio.gather(*(one(part) for part in longest))
    return sorted(done, key=lambda found: parts.index(found.part))


def table(found: Sequence[Told]) -> str:
    """Part, figure, expected, seen."""
    lines = [_line("part", "figure", "expected", "seen"), "-" * (sum(WIDTH) + 6)]
    for each in found:
        title = each.part.name
        wrong = len(each.report.wrong())
        rows = [
            *(
                (name, str(each.report.musts.get(name, "")), seen)
                for name, seen in each.report.figures.items()
            ),
            ("violations", "0", wrong),
            ("seconds", "", round(each.seconds)),
        ]
        for name, expected, seen in rows:
            lines.append(_line(title, name, expected, seen if isinstance(seen, str) else f"{seen:,}"))
            title = ""
    return "\n".join(lines)


def _line(*cells: str) -> str:
    first, second, *rest = (cell for cell in cells)
    padded = [first.ljust(WIDTH[0]), second.ljust(WIDTH[1])]
    return "  ".join([*padded, *(cell.rjust(WIDTH[2]) for cell in rest)]).rstrip()


def main(*, quick: bool, seed: int, only: Sequence[str] = (), lanes: int = 3) -> int:
    """Run every part, or those whose names hold one of `only`. The exit code is 1 when anything was violated."""
    chosen = [
        part
        for part in PARTS
        if part.seconds[quick] and (not only or any(words in part.name for words in only))
    ]
    if not chosen:
        print(f"no such part; there are: {', '.join(part.name for part in PARTS)}")
        return 2
    print(f"reliability, seed {seed}{', quick' if quick else ''}")
    began = time.monotonic()
    found = asyncio.run(side_by_side(chosen, quick=quick, seed=seed, lanes=lanes))
    print(f"\n{table(found)}\n\n{time.monotonic() - began:.0f} s")
    violations = [f"{each.part.name}: {wrong}" for each in found for wrong in each.report.wrong()]
    for violation in violations:
        print(f"VIOLATED: {violation}")
    return 1 if violations else 0
