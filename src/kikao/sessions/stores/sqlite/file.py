"""The file of the SQLite store before it is used: locked, inspected, and brought to today's schema.

A file that cannot be used is refused and left as it was, byte for byte. A file of an older schema is copied
beside itself before it is migrated.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
from pathlib import Path
from typing import Final

from kikao.sessions.store import StoreRefused

APPLICATION_ID: Final = 0x6B696B61
"""In the header of every store file: "kika"."""

MIGRATIONS: Final[tuple[str, ...]] = (
    """
    CREATE TABLE sessions (
        key BLOB PRIMARY KEY,
        version INTEGER NOT NULL,
        fence INTEGER NOT NULL,
        expires_at REAL NOT NULL,
        intents INTEGER NOT NULL,
        sweep_at REAL NOT NULL,
        state BLOB NOT NULL,
        address BLOB NOT NULL
    );
    CREATE INDEX sessions_sweep ON sessions (sweep_at) WHERE intents = 0;

    CREATE TABLE dedupe (
        session BLOB NOT NULL,
        key BLOB NOT NULL,
        reply BLOB,
        expires_at REAL NOT NULL,
        PRIMARY KEY (session, key)
    );
    CREATE INDEX dedupe_expiry ON dedupe (expires_at);

    CREATE TABLE intents (
        id BLOB PRIMARY KEY,
        session BLOB NOT NULL,
        fence INTEGER NOT NULL,
        lease_until REAL NOT NULL,
        due_at REAL NOT NULL,
        tries INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX intents_session ON intents (session);
    CREATE INDEX intents_due ON intents (due_at);

    CREATE TABLE meta (
        name TEXT PRIMARY KEY,
        value BLOB NOT NULL
    ) WITHOUT ROWID;
    """,
    # What `kikao.sessions.keys` remembers; which keys have sealed something is found out at the next opening.
    """
    INSERT INTO meta SELECT 'bound/keys', CAST(
        '{"lookup":{"kid":"' || CAST(kid.value AS TEXT) || '","check":"' || lower(hex(proof.value)) || '"}}' AS BLOB
    ) FROM meta AS kid, meta AS proof
    WHERE kid.name = 'bound/lookup_kid' AND proof.name = 'bound/lookup_check';
    DELETE FROM meta WHERE name IN ('bound/lookup_kid', 'bound/lookup_check');
    """,
    # `seq` is the order of a lane, and of messages that stand first in theirs, `first` is 1.
    """
    CREATE TABLE messages (
        seq INTEGER PRIMARY KEY,
        id BLOB NOT NULL,
        session BLOB NOT NULL,
        destination TEXT NOT NULL,
        payload BLOB NOT NULL,
        due_at REAL NOT NULL,
        expires_at REAL NOT NULL,
        urgency INTEGER NOT NULL,
        posted_at REAL NOT NULL,
        tries INTEGER NOT NULL,
        fence INTEGER NOT NULL,
        lease_until REAL NOT NULL,
        state INTEGER NOT NULL,
        status INTEGER NOT NULL,
        reason TEXT NOT NULL,
        reference BLOB,
        first INTEGER NOT NULL
    );
    CREATE UNIQUE INDEX messages_id ON messages (id);
    CREATE INDEX messages_lane ON messages (session, destination, state, seq);
    CREATE INDEX messages_first ON messages (destination, urgency, due_at) WHERE first = 1;
    CREATE INDEX messages_backlog ON messages (state, destination, posted_at);
    CREATE INDEX messages_expiry ON messages (expires_at);
    CREATE INDEX messages_reference ON messages (reference) WHERE reference IS NOT NULL;
    """,
)
"""`MIGRATIONS[n]` turns schema n into n + 1, inside one transaction; schema 0 is an empty file.

Rows of sealed state are too long for WITHOUT ROWID: inner pages would hold a handful each (measured at 900 bytes
and 50,000 sessions: twice the CPU per commit). `sweep_at` is never later than `expires_at`: the sweep looks there
and moves it, so that a turn that prolongs its session does not touch an index.
"""

CHECKED_UP_TO: Final = 256 * 1024 * 1024
"""Files up to this many bytes are checked whole at open (about a second at this size)."""

_HEADER: Final = 100  # bytes; https://www.sqlite.org/fileformat2.html#the_database_header


class FileLock:
    """Keeps a second process out, by a lock on a file of its own.

    SQLite's own locks are POSIX locks, which a process loses when it closes *any* descriptor of the file; so
    ours is neither on that file nor of that kind.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(path.name + ".lock")
        self._database = path
        self._made = not self._path.exists()
        try:
            self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StoreRefused(
                f"{path}: cannot make its lock file ({error.strerror}). Make the folder writable."
            ) from error
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._fd, 20, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._fd)
            raise StoreRefused(
                f"{path} is in use by another process (pid {holder}). Stop it first: a "
                "SQLite store has one process."
            ) from error
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, str(os.getpid()).encode(), 0)

    def release(self, *, leave_no_trace: bool = False) -> None:
        """Let go; with `leave_no_trace`, remove the lock file if it was not there before."""
        if leave_no_trace and self._made:
            self._path.unlink(missing_ok=True)
        os.close(self._fd)


def prepare(
    path: Path, *, migrations: tuple[str, ...] = MIGRATIONS, checked_up_to: int = CHECKED_UP_TO
) -> FileLock:
    """Lock, inspect and migrate the file, creating it (0600) and its folder (0700) where missing.

    Raises `StoreRefused`.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreRefused(f"{path.parent}: cannot make the folder ({error.strerror}).") from error
    lock = FileLock(path)
    try:
        version = inspect(path, newest=len(migrations), checked_up_to=checked_up_to)
        migrate(path, version, migrations)
        _close_to_others(path)
    except BaseException:
        lock.release(leave_no_trace=True)
        raise
    return lock


def inspect(path: Path, *, newest: int, checked_up_to: int = CHECKED_UP_TO) -> int:
    """The schema version of a store file, 0 for none or an empty one; writes nothing.

    Raises `StoreRefused`.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            header = file.read(_HEADER)
    except FileNotFoundError:
        return 0
    except OSError as error:
        raise StoreRefused(f"{path}: cannot be read ({error.strerror}).") from error
    if not header:
        return 0
    if len(header) < _HEADER or not header.startswith(b"SQLite format 3\0"):
        raise StoreRefused(
            f"{path} is not a SQLite database. Move it away, or restore a copy; it was left as it was."
        )
    before = {name: _beside(path, name).exists() for name in ("-wal", "-shm")}
    # Without a write-ahead log the file is complete: `immutable` reads it and touches nothing beside it. With
    # one (the last process was killed) SQLite has to read the log too, and makes an index of it in the -shm
    # file.
    mode = "mode=ro" if before["-wal"] else "mode=ro&immutable=1"
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True, isolation_level=None)
        try:
            return _inspect(path, connection, newest, size <= checked_up_to)
        finally:
            connection.close()
    except (sqlite3.DatabaseError, StoreRefused) as error:
        for name, existed in before.items():
            if not existed:
                _beside(path, name).unlink(missing_ok=True)
        if isinstance(error, StoreRefused):
            raise
        raise StoreRefused(
            f"{path} is damaged or cannot be read ({error}). Restore a copy; it was left as it was."
        ) from error


def bound_in(path: Path, name: str) -> bytes | None:
    """What a store file has under a name of `SessionStore.bind`, beside the server that has it open; None if nothing.

    Reads only, for commands that do not open the store.
    """
    if not path.exists():
        return None
    mode = "mode=ro" if _beside(path, "-wal").exists() else "mode=ro&immutable=1"
    try:
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True)) as file:
            row = file.execute("SELECT value FROM meta WHERE name = ?", (f"bound/{name}",)).fetchone()
    except sqlite3.Error:
        return None
    return None if row is None else bytes(row[0])


def migrate(path: Path, version: int, migrations: tuple[str, ...]) -> None:
    """Bring the file from schema `version` to the newest; a new one appears whole, an older one is copied
    first.
    """
    if version == len(migrations):
        return
    new = not path.exists() or path.stat().st_size == 0
    target = _beside(path, ".new") if new else path
    try:
        if new:
            target.unlink(missing_ok=True)
            _create(target)
        connection = sqlite3.connect(target, isolation_level=None)
        try:
            if not new:
                copy_beside(path, connection, version)
            _durable(connection)
            steps = ";\n".join(migrations[version:])
            try:
                connection.executescript(
                    f"BEGIN EXCLUSIVE; {steps}; PRAGMA application_id = {APPLICATION_ID};"
                    f"PRAGMA user_version = {len(migrations)}; COMMIT;"
                )
            except sqlite3.Error:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        finally:
            connection.close()
        if new:
            target.rename(path)
        _sync_folder(path.parent)
    except (sqlite3.Error, OSError) as error:
        raise StoreRefused(
            f"{path}: cannot be {'created' if new else f'migrated from schema {version}'} ({error})."
        ) from error


def copy_beside(path: Path, connection: sqlite3.Connection, version: int) -> Path:
    """Copy an open store to a new file named after its schema version, durably."""
    for number in range(1, 1000):
        copy = _beside(path, f".schema{version}{'' if number == 1 else f'-{number}'}.bak")
        with contextlib.suppress(FileExistsError):
            _create(copy)
            break
    else:
        raise OSError(f"too many copies beside {path}")
    target = sqlite3.connect(copy)
    try:
        _durable(target)
        connection.backup(target)
        target.execute("PRAGMA journal_mode = DELETE")  # one file, nothing beside it
    finally:
        target.close()
    return copy


def _inspect(path: Path, connection: sqlite3.Connection, newest: int, check: bool) -> int:
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if tables == 0 and application in (0, APPLICATION_ID) and version == 0:
        return 0
    if application != APPLICATION_ID:
        raise StoreRefused(
            f"{path} is a SQLite database of another program (application id {application}). "
            "Name another file; it was left as it was."
        )
    if version > newest:
        raise StoreRefused(
            f"{path} has schema {version}, this kikao knows up to {newest}. Run the newer kikao that wrote "
            "it, or restore the copy made before the upgrade; it was left as it was."
        )
    if check:
        (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise StoreRefused(f"{path} is damaged ({found}). Restore a copy; it was left as it was.")
    return int(version)


def _create(path: Path) -> None:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def _close_to_others(path: Path) -> None:
    # A restored copy may be readable by everybody.
    mode = path.stat().st_mode
    if mode & 0o077:
        with contextlib.suppress(PermissionError):
            path.chmod(mode & 0o700)


def _durable(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA synchronous = EXTRA")
    connection.execute("PRAGMA fullfsync = ON")


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
