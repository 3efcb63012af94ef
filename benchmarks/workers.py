"""How much `kikao run --workers N` does: turns a second over HTTP, and the CPU of all its processes."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.load import Round, talk
from benchmarks.subjects import ROOT

MEMBERS: Final = 96
TURNS: Final = 4_000
ROUNDS: Final = 3
KIKAO: Final = Path(sys.executable).with_name("kikao")
_TICKS: Final = os.sysconf("SC_CLK_TCK")
_ANSWERING: Final = re.compile(r"answering on http://[^:]+:([0-9]+)")


def measured(url: str, folder: Path, workers: int) -> list[Round]:
    """Rounds with so many workers on the store at a URL, the first one left out."""
    with _served(url, folder, workers) as (port, server):
        for share in (0.1, 0.25, 0.5, 0.75, 1.0):  # who was never met takes longer
            asyncio.run(talk(port, int(MEMBERS * share), 0))
        rounds = []
        for _ in range(ROUNDS + 1):
            before = _cpu(server)
            wall, waits = asyncio.run(talk(port, MEMBERS, TURNS))
            rounds.append(Round(len(waits), wall, _cpu(server) - before, waits))
    return rounds[1:]


@contextmanager
def _served(url: str, folder: Path, workers: int) -> Iterator[tuple[int, int]]:
    """The port it listens on, and the id of the process that started the others."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("KIKAO_")}
    environ |= {
        "KIKAO_DATA": str(folder),
        "KIKAO_STORE": url,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), environ.get("PYTHONPATH")])),
        "PYTHONUNBUFFERED": "1",
    }
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [KIKAO, "run", "benchmarks.app:app", "--port", "0", "--workers", str(workers)],
            env=environ,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        try:
            assert server.stdout is not None
            found = next(filter(None, map(_ANSWERING.search, server.stdout)), None)
            if found is None:
                raise RuntimeError(f"the server ended early:\n{(folder / 'log').read_text()[-2000:]}")
            yield int(found[1]), server.pid
        finally:
            server.terminate()
            server.communicate()


def _cpu(process: int) -> float:
    """Seconds of a process and of all that it started, as far as they live. Linux only."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, check=True, text=True)
    parents = {int(pid): int(parent) for pid, parent in map(str.split, listed.stdout.splitlines())}
    found = 0.0
    for pid in parents:
        above = pid
        while above not in (0, process):
            above = parents.get(above, 0)
        if above == process:
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            found += (int(fields[11]) + int(fields[12])) / _TICKS
    return found
