"""How long a start takes: the help of the command, and a server until it answers."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Final

KIKAO: Final = Path(sys.executable).with_name("kikao")
ROUNDS: Final = 7


def help_seconds() -> list[float]:
    """Wall seconds of `kikao --help`, sorted."""
    return sorted(_timed_help() for _ in range(ROUNDS))


def _timed_help() -> float:
    before = time.perf_counter()
    subprocess.run([KIKAO, "--help"], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - before


def run_seconds(folder: Path) -> list[float]:
    """Wall seconds from `kikao run` of the wallet to its first answer, sorted; the first start makes the data."""
    return sorted(_timed_run(folder / "wallet") for _ in range(ROUNDS))


def _timed_run(data: Path) -> float:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("KIKAO_")}
    before = time.perf_counter()
    with subprocess.Popen(
        [KIKAO, "run", "kikao_apps.wallet:app", "--port", "0"],
        env={**environ, "KIKAO_DATA": str(data), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        try:
            assert server.stdout is not None
            url = server.stdout.readline().split()[-1]
            with urllib.request.urlopen(f"{url}/healthz", timeout=10) as answer:
                assert answer.status == 200
            return time.perf_counter() - before
        finally:
            server.terminate()
            server.communicate()
