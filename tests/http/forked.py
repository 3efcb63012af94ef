"""Servers that are forked from a process which has imported everything: a start takes milliseconds, not a second.

Whoever kills servers by the hundred would otherwise measure Python's imports.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import IO, Final, cast

from tests.http.servers import CHEAP_WALLET, ServerProcess, environment

IMPORTED: Final = (
    "asyncpg",
    "kikao.cli.serving",
    "kikao.cli.watching",
    "kikao.console.simulator",
    "kikao.members.directory",
    "kikao.members.links",
    "kikao.members.operating",
    "kikao.records.migrations",
    "kikao.records.sqlite",
    "kikao.sessions.stores.sqlite",
    "kikao_apps.wallet.flows",
    "kikao_apps.wallet.ledger",
    "kikao_apps.wallet.migrations.versions",
    "phonenumbers",
    "redis.asyncio",
    "sqlalchemy.ext.asyncio",
    "uvicorn.loops.auto",
    "uvicorn.protocols.http.httptools_impl",
    "uvloop",
)
"""What a server imports by and by. Whatever is missing only makes it slower; apps read their settings when imported."""

_PR_SET_PDEATHSIG: Final = 1


def _context() -> ForkServerContext:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(IMPORTED))
    return context


def fork(
    data: Path, target: str = CHEAP_WALLET, *, env: Mapping[str, str] | None = None, log: Path | None = None
) -> ServerProcess:
    """Start a server as `tests.http.servers.spawn` does, from the process that has imported everything."""
    log = log or data.with_suffix(".log")
    reader, writer = multiprocessing.Pipe(duplex=False)
    settings = environment(data, **(env or {}))
    process = _context().Process(
        target=_serve, args=(writer, log, data.parent, settings, target), daemon=True
    )
    process.start()
    writer.close()
    said = os.fdopen(os.dup(reader.fileno()), "r")
    reader.close()
    return ServerProcess(cast(subprocess.Popen[str], _Forked(process, said)), log)


class _Forked:
    """What `ServerProcess` needs of `subprocess.Popen`."""

    def __init__(self, process: ForkServerProcess, stdout: IO[str]) -> None:
        self._process = process
        self.stdout: IO[str] | None = stdout
        assert process.pid is not None
        self.pid = process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("a forked server", timeout or 0.0)
        return self._process.exitcode

    def kill(self) -> None:
        self._process.kill()

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)


def _serve(writer: Connection, log: Path, folder: Path, settings: dict[str, str], target: str) -> None:
    """The forked process: become `kikao run` in every respect."""
    _die_with_parent()
    errors = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(writer.fileno(), 1)
    os.dup2(errors, 2)
    writer.close()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(settings)
    sys.argv = ["kikao", "run", target, "--port", "0"]
    from kikao.cli import main

    main()


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
