"""A real server for tests: `kikao run` in a process of its own, on a free port."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.waiting import until

REPOSITORY: Final = Path(__file__).parents[2]
KIKAO: Final = (sys.executable, "-c", "from kikao.cli import main; main()")
"""The command, with the interpreter that runs the tests."""

CHEAP_WALLET: Final = "tests.reliability.wallet_app:app"
"""The wallet with PINs that are hashed cheaply."""

PATIENCE: Final = 60.0
"""Seconds a server may take to come up or to go down before a test fails."""


class ServerProcess:
    """One run of the server. `log` collects what it says on stderr, over all runs with the same folder."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self.process = process
        self.log = log
        self.port = 0
        self.said: list[str] = []

    def wait_until_up(self) -> ServerProcess:
        """Read what the server announces until it answers. Raises `AssertionError` when it ends instead."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)
            if line.startswith("kikao is answering on "):
                self.port = int(line.strip().rpartition(":")[2])
                return self
        raise AssertionError(f"the server ended with {self.process.wait()}: {self.log.read_text()[-2000:]}")

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self._reap()

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self._reap()

    def _reap(self) -> int:
        code = self.process.wait(PATIENCE)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


def environment(data: Path, **settings: str) -> dict[str, str]:
    """The environment of a server whose data lies in `data`; nothing of the tester's own settings."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("KIKAO_")}
    return {
        **inherited,
        "PYTHONPATH": os.pathsep.join([str(REPOSITORY / "src"), str(REPOSITORY)]),
        "KIKAO_DATA": str(data),
        **settings,
    }


def spawn(
    data: Path,
    target: str = CHEAP_WALLET,
    *,
    command: str = "run",
    env: Mapping[str, str] | None = None,
    largest_file: int | None = None,
) -> ServerProcess:
    """Start a server and do not wait for it. It works in the parent of its data folder.

    With `largest_file`, in KiB, no file grows larger: a full disk.
    """
    limited = (
        () if largest_file is None else ("bash", "-c", f'ulimit -f {largest_file}; exec "$@"', "limited")
    )
    log = data.with_suffix(".log")
    with log.open("a") as stderr:
        process = subprocess.Popen(
            (*limited, *KIKAO, command, target, "--port", "0"),
            cwd=data.parent,
            env=environment(data, **(env or {})),
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
    return ServerProcess(process, log)


@contextmanager
def serving(data: Path, target: str = CHEAP_WALLET, **env: str) -> Iterator[ServerProcess]:
    """A server that answers; stopped at the end, killed if that fails."""
    with ended(spawn(data, target, env=env)) as server:
        yield server


@contextmanager
def ended(server: ServerProcess) -> Iterator[ServerProcess]:
    """A server that was started, once it answers; stopped at the end, killed if that fails."""
    try:
        yield server.wait_until_up()
        if server.process.poll() is None:
            server.stop()
    finally:
        if server.process.poll() is None:
            server.kill()
        elif server.process.stdout is not None:
            server.process.stdout.close()


async def logged(server: ServerProcess, words: str, *, times: int = 1) -> str:
    """Wait until the server has logged `words` so often; the whole log."""
    await until(lambda: server.log.read_text().count(words) >= times, f"{words!r} to be logged {times} times")
    return server.log.read_text()
