"""`kikao` in processes that are forked from one which has imported everything: a start takes a tenth of a second.

Whoever kills servers by the hundred would otherwise measure Python's imports, and most tests would wait for them. What
is about the start itself, about imports or about more processes than one takes `tests.http.servers.spawn`.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.context import ForkServerContext, ForkServerProcess
from multiprocessing.forkserver import ensure_running
from multiprocessing.reduction import DupFd
from pathlib import Path
from pkgutil import iter_modules
from tempfile import TemporaryFile
from typing import IO, Any, Final, cast

import coverage

from kikao.channels.ussd import gateways
from tests.http.servers import CHEAP_WALLET, PATIENCE, ServerProcess, ended, environment

IMPORTED: Final = (
    "asyncpg",
    "kikao.audit",
    "kikao.audit.relay",
    "kikao.channels.markup",
    "kikao.channels.ussd.charging",
    "kikao.cli.phone",
    "kikao.cli.served",
    "kikao.cli.serving",
    "kikao.cli.watching",
    "kikao.console.simulator",
    "kikao.i18n.plain",
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
    "phonenumbers.timezone",
    "redis.asyncio",
    "sqlalchemy.dialects.sqlite",
    "sqlalchemy.ext.asyncio",
    "uvicorn.loops.auto",
    "uvicorn.protocols.http.httptools_impl",
    "uvloop",
    *(f"kikao.channels.ussd.gateways.{each.name}" for each in iter_modules(gateways.__path__)),
)
"""What a server imports by and by. Whatever is missing only makes it slower; apps read their settings when imported."""

_MEASURED: Final = "COVERAGE_PROCESS_CONFIG"
_PR_SET_PDEATHSIG: Final = 1


def run(
    words: Sequence[str], *, folder: Path, env: Mapping[str, str], typed: str = ""
) -> subprocess.CompletedProcess[str]:
    """The command to its end in `folder`, with `env` as its whole environment and `typed` as its input."""
    with TemporaryFile("w+") as stdin, TemporaryFile("w+") as stdout, TemporaryFile("w+") as stderr:
        stdin.write(typed)
        stdin.seek(0)
        code = _start(words, folder, env, stdin.fileno(), stdout.fileno(), stderr.fileno()).wait(PATIENCE)
        stdout.seek(0)
        stderr.seek(0)
        return subprocess.CompletedProcess(words, code, stdout.read(), stderr.read())


@contextmanager
def serving(data: Path, target: str = CHEAP_WALLET, **env: str) -> Iterator[ServerProcess]:
    """A server that answers; stopped at the end, killed if that fails."""
    with ended(fork(data, target, env=env)) as server:
        yield server


def fork(
    data: Path, target: str = CHEAP_WALLET, *, env: Mapping[str, str] | None = None, log: Path | None = None
) -> ServerProcess:
    """Start a server as `tests.http.servers.spawn` does, and do not wait for it."""
    log = log or data.with_suffix(".log")
    reader, writer = os.pipe()
    with log.open("a") as stderr, open(os.devnull) as stdin:
        process = _start(
            ("run", target, "--port", "0"),
            data.parent,
            environment(data, **(env or {})),
            stdin.fileno(),
            writer,
            stderr.fileno(),
        )
    os.close(writer)
    process.stdout = os.fdopen(reader)
    return ServerProcess(cast(subprocess.Popen[str], process), log)


class Forked:
    """What tests need of `subprocess.Popen`."""

    def __init__(self, process: ForkServerProcess) -> None:
        self._process = process
        self.stdout: IO[str] | None = None
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
            raise subprocess.TimeoutExpired("a forked command", timeout or 0.0)
        return self._process.exitcode

    def kill(self) -> None:
        self._process.kill()

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)


def _start(
    words: Sequence[str], folder: Path, env: Mapping[str, str], stdin: int, stdout: int, stderr: int
) -> Forked:
    context = _context()
    streams = [DupFd(stream) for stream in (stdin, stdout, stderr)]
    process = context.Process(target=_become, args=(streams, folder, dict(env), list(words)), daemon=True)
    process.start()
    return Forked(process)


def _context() -> ForkServerContext:
    """Coverage is for those who are forked, if they are measured at all."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(IMPORTED))
    measured = os.environ.pop(_MEASURED, None)
    ensure_running()
    if measured is not None:
        os.environ[_MEASURED] = measured
    return context


def _become(streams: list[Any], folder: Path, env: dict[str, str], words: list[str]) -> None:
    """The forked process: become `kikao` in every respect."""
    _die_with_parent()
    for number, stream in enumerate(streams):
        held = stream.detach()
        os.dup2(held, number)
        os.close(held)
    sys.stdin = os.fdopen(0, closefd=False)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = ["-c", *words]
    measuring = coverage.process_startup()
    try:
        from kikao.cli import main

        main()
    finally:
        if measuring is not None:
            measuring.stop()
            measuring.save()


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
