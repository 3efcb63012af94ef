"""Something that is measured: it lives in a process of its own and works when it is told to.

The parent makes rounds over several subjects in turn, so that what else the machine does falls on all of them alike.
A subject is an async context manager that yields the unit of its work; the child times its own CPU around many. What is
no subject of this package (a program of another language) is a command that answers in the same way.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, ExitStack
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

Work = Callable[[], Awaitable[None]]
Prepare = Callable[[int], Work]
"""Makes everything ready for so many units; the work that it returns is what is timed."""

Label = TypeVar("Label")

Subject = Callable[..., AbstractAsyncContextManager[Prepare]]

ROOT: Final = Path(__file__).parent.parent

ROUNDS: Final = 25
ROUND: Final = 0.1
"""Seconds of CPU that a round should take: short and many, so that some fall into a quiet moment."""


class Cost(NamedTuple):
    """CPU microseconds per unit."""

    best: float
    median: float


def subject(name: str, *args: str, python: str = sys.executable) -> tuple[str, ...]:
    """The command of a subject: `module:function` of this package, and strings for it."""
    return (python, "-m", "benchmarks.subjects", name, *args)


class Process:
    """A subject in a child process."""

    def __init__(self, *command: str) -> None:
        self._child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        )

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.kill()
        self._child.communicate()

    def work(self, units: int) -> float:
        """CPU seconds for so many units."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write(f"{units}\n")
        self._child.stdin.flush()
        answer = self._child.stdout.readline()
        if not answer:
            raise RuntimeError(f"a measured process ended early: {self._child.args!r}")
        return float(answer)

    @property
    def resident(self) -> float:
        """MB of memory that the process has now."""
        found = Path(f"/proc/{self._child.pid}/status").read_text()
        return int(found.partition("VmRSS:")[2].split()[0]) / 1024

    def units_of(self, seconds: float) -> int:
        """How many units take about so long; warms up on the way."""
        units = 16
        while (taken := self.work(units)) < seconds / 8:
            units *= 2
        return max(1, int(units * seconds / taken))


def side_by_side(commands: Mapping[Label, Sequence[str]], *, rounds: int = ROUNDS) -> dict[Label, Cost]:
    """The cost of a unit of each of these, measured in turns."""
    with ExitStack() as stack:
        processes = {label: stack.enter_context(Process(*command)) for label, command in commands.items()}
        units = {label: process.units_of(ROUND) for label, process in processes.items()}
        seconds: dict[Label, list[float]] = {label: [] for label in processes}
        for _ in range(rounds):
            for label, process in processes.items():
                seconds[label].append(process.work(units[label]) / units[label])
    return {label: Cost(min(found) * 1e6, statistics.median(found) * 1e6) for label, found in seconds.items()}


async def _obey(work: Subject, args: list[str]) -> None:
    async with work(*args) as prepare:
        for line in sys.stdin:
            units = prepare(int(line))
            gc.collect()
            before = time.process_time()
            await units()
            print(time.process_time() - before, flush=True)


def main() -> None:
    """The child: `python -m benchmarks.subjects module:function args`."""
    module, _, name = sys.argv[1].partition(":")
    work: Subject = getattr(importlib.import_module(f"benchmarks.{module}"), name)
    asyncio.run(_obey(work, sys.argv[2:]))


if __name__ == "__main__":
    main()
