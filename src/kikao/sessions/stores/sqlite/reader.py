"""The sessions of a SQLite store, read beside whoever has it open: nothing is written, not even a lock.

A reader in WAL mode usually writes, too: it marks in the `-shm` file how far it reads, or makes that file. Opened with
`readonly_shm` it only takes a shared lock there, which keeps what it reads from being overwritten, and uses the marks
that there are. All comes from one snapshot: while it is read, the log grows and is not moved into the database.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Final

from kikao.sessions.store import Record, StoreRefused
from kikao.sessions.stores.sqlite.file import APPLICATION_ID, MIGRATIONS

PATIENCE: Final = 5.0
"""Seconds to wait for a process that recovers the log."""

_ALL: Final = "SELECT key, version, fence, expires_at, state, address FROM sessions ORDER BY key"
_OPEN: Final = "SELECT DISTINCT session FROM intents"
_CACHE_KIB: Final = 2048


class Snapshot:
    """A store as it is at one moment."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self._path = path
        self._connection = connection
        self.with_intents: frozenset[bytes] = frozenset(key for (key,) in connection.execute(_OPEN))
        """The keys of the sessions with open intents."""

    def count(self) -> int:
        """How many sessions there are."""
        (found,) = self._connection.execute("SELECT count(*) FROM sessions").fetchone()
        return int(found)

    def records(self) -> Iterator[Record]:
        """Every session, by key, one row at a time. Raises `StoreRefused` when the file cannot be read to its end."""
        try:
            for row in self._connection.execute(_ALL):
                yield Record(*row)
        except sqlite3.Error as error:
            raise StoreRefused(f"{self._path} cannot be read ({error}).") from error


@contextlib.contextmanager
def snapshot(path: Path) -> Generator[Snapshot]:
    """One snapshot of a store, its server running or not. Raises `StoreRefused`, also at the end."""
    if not path.exists():
        raise StoreRefused(f"{path} does not exist: there are no sessions yet.")
    wal = _beside(path, "-wal")
    alive = wal.exists()
    if alive and wal.stat().st_size and not _beside(path, "-shm").exists():
        raise StoreRefused(
            f"{path} has a log and no index of it (a -shm file): a copy? Start a server on it once, then read it."
        )
    # Without a log the file is complete, and nobody writes it; a server that starts meanwhile makes one.
    mode = "mode=ro&readonly_shm=1" if alive else "mode=ro&immutable=1"
    before = path.stat()
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?{mode}", uri=True, isolation_level=None, timeout=PATIENCE
        )
        with contextlib.closing(connection):
            connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            connection.execute("BEGIN")
            _recognise(path, connection)
            yield Snapshot(path, connection)
    except sqlite3.Error as error:
        raise StoreRefused(f"{path} cannot be read ({error}).") from error
    after = path.stat()
    if not alive and (
        wal.exists() or (before.st_mtime_ns, before.st_ino) != (after.st_mtime_ns, after.st_ino)
    ):
        raise StoreRefused(f"{path}: a server started while it was read. Do it again.")


def _recognise(path: Path, connection: sqlite3.Connection) -> None:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application != APPLICATION_ID:
        raise StoreRefused(f"{path} is no session store of kikao.")
    if version != len(MIGRATIONS):
        older = version < len(MIGRATIONS)
        cure = "Run: kikao migrate" if older else "Read it with the kikao that wrote it, or a newer one"
        raise StoreRefused(f"{path} has schema {version}, this kikao reads {len(MIGRATIONS)}. {cure}.")


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)
