"""The live store of one process that keeps streams and log-outs in a file: they survive kill -9, and power loss as far
as the disk honours fsync. Who is present is in memory: after a restart nobody is.

The file is written as that of the sessions: what waits goes into one transaction of one writer, and one fsync in a
thread (`kikao.sessions.stores.sqlite.writer`). `synchronous` is FULL. With NORMAL a power cut would lose the last
messages of a stream and not its epoch: the next ones would get the same numbers, and who had heard the lost ones would
take those for known. What is read costs microseconds and is read in the event loop.

What is lost with the file is not much: clients reload, and who was logged out within the life of a token has to be
logged out again.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

from kikao.live.stores import epochs
from kikao.live.stores.memory import Clock, MemoryPresence
from kikao.live.stores.sealed import SealedStreams
from kikao.live.stores.store import LEASE, REMEMBERED, Change, LiveAway, Position, Recovery
from kikao.sessions.sealing import KeyRing
from kikao.sessions.store import CommitUnknown, StoreUnavailable
from kikao.sessions.stores.sqlite.writer import Writer

VERSION: Final = 2

WAITING: Final = 10_000
"""Writes that wait for the disk, at most."""

PATIENCE: Final = 1.0
"""Seconds that another program may hold the write lock."""

SWEEP: Final = 60.0
"""Seconds between two sweeps."""

AGAIN: Final = 5.0
"""Seconds after which a file that could not be used is opened again."""

_CACHE_KIB: Final = 2048
_SWEPT: Final = 1000
"""Messages removed by one sweep, and streams."""

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS streams (
    name TEXT PRIMARY KEY, epoch TEXT NOT NULL, seq INTEGER NOT NULL, keep INTEGER NOT NULL, forget_at REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS streams_forget ON streams (forget_at);
CREATE TABLE IF NOT EXISTS messages (
    stream TEXT NOT NULL, seq INTEGER NOT NULL, until REAL NOT NULL, sealed BLOB NOT NULL, PRIMARY KEY (stream, seq)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS messages_until ON messages (until);
CREATE TABLE IF NOT EXISTS store (one INTEGER PRIMARY KEY CHECK (one), name TEXT NOT NULL);
INSERT OR IGNORE INTO store VALUES (1, lower(hex(randomblob(6))));
CREATE TABLE IF NOT EXISTS log_outs (name TEXT PRIMARY KEY, at REAL NOT NULL, until REAL NOT NULL) WITHOUT ROWID;
"""

logger = logging.getLogger(__name__)

T = TypeVar("T")


class StreamFile:
    """Streams and log-outs in the file at `path`, under names and with messages that mean nothing to it."""

    def __init__(self, path: Path, *, wall: Clock = time.time) -> None:
        self._path = path
        self._wall = wall
        self._writer: Writer | None = None
        self._reader: sqlite3.Connection | None = None
        self._name = ""
        """What the store is called in epochs, once it is open."""
        self._why = "it is not open"
        self._told = False

    async def open(self) -> None:
        """Open the file, or say in the log why not."""
        if self._writer is not None:
            return
        try:
            self._prepare()
            self._reader = sqlite3.connect(self._path, timeout=0, isolation_level=None)
            ((self._name,),) = self._reader.execute("SELECT name FROM store").fetchall()
            self._writer = Writer(
                self._path, limit=WAITING, patience=PATIENCE, max_size=None, cache_kib=_CACHE_KIB
            )
        except (OSError, sqlite3.Error, ValueError) as error:
            await self.close()
            self._why = str(error)
            if not self._told:
                self._told = True
                logger.warning(
                    "live sessions: %s cannot be used (%s). Channels go on without replay and log-outs.",
                    self._path,
                    error,
                )
        else:
            self._told = False

    async def close(self) -> None:
        """Finish what was accepted, and close the file."""
        writer, self._writer = self._writer, None
        if writer is not None:
            await writer.stop()
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()

    async def renew(self) -> None:
        """Open the file again if it could not be used."""
        if self._writer is None or self._writer.broken is not None:
            await self.close()
            await self.open()

    def answers(self) -> None:
        """Raises `LiveAway`."""
        self._read("SELECT 1")

    async def append(self, stream: str, message: bytes, *, keep: int, seconds: float) -> Position:
        now = self._wall()
        forget_at = now + max(seconds, REMEMBERED)
        args = (stream, epochs.begun(self._name, now), message, keep, now + seconds, forget_at)
        return Position(*await self._write(_append, *args, size=len(message)))

    async def since(self, stream: str, after: Position | None, *, most: int = 300) -> Recovery:
        now = self._wall()
        found = self._read("SELECT epoch, seq, keep, forget_at FROM streams WHERE name = ?", stream)
        if not found:
            return epochs.nothing_yet(epochs.asked_for(self._name, now), after)
        ((epoch, seq, keep, forget_at),) = found
        if forget_at < now + 0.9 * REMEMBERED:
            await self._write(_remember, stream, now + REMEMBERED)
        top = Position(epoch, seq)
        if after is None:
            return Recovery(top, ())
        missed = seq - after.seq
        if not epochs.is_of(epoch, after.epoch) or not 0 <= missed <= min(most, keep):
            return Recovery(top, None)
        messages = self._read(
            "SELECT seq, sealed FROM messages WHERE stream = ? AND seq > ? AND seq <= ? AND until > ? ORDER BY seq",
            stream,
            after.seq,
            seq,
            now,
        )
        return Recovery(top, tuple(messages) if len(messages) == missed else None)

    async def log_out(self, user: str, *, seconds: float) -> float:
        now = self._wall()
        return float(await self._write(_log_out, user, now, now + seconds))

    async def logged_out(self, user: str) -> float:
        found = self._read("SELECT at FROM log_outs WHERE name = ? AND until > ?", user, self._wall())
        return float(found[0][0]) if found else 0.0

    async def sweep(self) -> None:
        """Forget what is over, some of it at a time."""
        await self._write(_sweep, self._wall())

    def _read(self, sql: str, *args: Any) -> list[tuple[Any, ...]]:
        if self._reader is None:
            raise LiveAway(f"{self._path}: {self._why}")
        try:
            return self._reader.execute(sql, args).fetchall()
        except sqlite3.Error as error:
            raise LiveAway(f"{self._path} cannot be read ({error})") from error

    async def _write(self, work: Callable[..., T], *args: Any, size: int = 0) -> T:
        if self._writer is None:
            raise LiveAway(f"{self._path}: {self._why}")
        try:
            done: T = await self._writer.submit(work, args, size=size)
        except (StoreUnavailable, CommitUnknown) as error:
            raise LiveAway(str(error)) from error
        return done

    def _prepare(self) -> None:
        """Make the file and its tables. Raises `ValueError` for one of a newer release."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
        with contextlib.closing(sqlite3.connect(self._path, timeout=PATIENCE, isolation_level=None)) as made:
            ((version,),) = made.execute("PRAGMA user_version").fetchall()
            if version > VERSION:
                raise ValueError("a newer kikao made it; start that, or remove the file")
            made.execute("PRAGMA journal_mode = WAL").fetchall()
            if version < VERSION:
                made.executescript(f"BEGIN;{_SCHEMA}PRAGMA user_version = {VERSION};COMMIT;")


class SQLiteLive(MemoryPresence):
    """A `LiveStore`: presence as in memory, streams and log-outs sealed in the file at `path`."""

    def __init__(
        self,
        path: Path,
        ring: KeyRing,
        *,
        clock: Clock = time.monotonic,
        wall: Clock = time.time,
        lease: float = LEASE,
    ) -> None:
        super().__init__(clock=clock, lease=lease)
        self._now = clock
        self._file = StreamFile(path, wall=wall)
        self._streams = SealedStreams(self._file, ring)
        self._swept_at = clock()
        self._looked_at = clock()

    async def open(self) -> None:
        await self._file.open()

    async def close(self) -> None:
        await self._file.close()

    async def answers(self) -> None:
        self._file.answers()

    async def reap(self, *, most: int = 1000) -> list[Change]:
        now = self._now()
        if now >= self._looked_at + AGAIN:
            self._looked_at = now
            await self._file.renew()
        if now >= self._swept_at + SWEEP:
            self._swept_at = now
            with contextlib.suppress(LiveAway):  # presence needs no file
                await self._file.sweep()
        return await super().reap(most=most)

    async def append(self, stream: str, message: bytes, *, keep: int, seconds: float) -> Position:
        return await self._streams.append(stream, message, keep=keep, seconds=seconds)

    async def since(self, stream: str, after: Position | None, *, most: int = 300) -> Recovery:
        return await self._streams.since(stream, after, most=most)

    async def log_out(self, user: str, *, seconds: float) -> float:
        return await self._streams.log_out(user, seconds=seconds)

    async def logged_out(self, user: str) -> float:
        return await self._streams.logged_out(user)


# --- in the writer's transaction ---


def _append(
    cursor: sqlite3.Cursor, stream: str, epoch: str, message: bytes, keep: int, until: float, forget_at: float
) -> tuple[str, int]:
    ((epoch, seq),) = cursor.execute(
        "INSERT INTO streams VALUES (?1, ?2, 1, ?3, ?4) ON CONFLICT (name) DO UPDATE "
        "SET seq = seq + 1, keep = ?3, forget_at = ?4 RETURNING epoch, seq",
        (stream, epoch, keep, forget_at),
    ).fetchall()
    cursor.execute("INSERT INTO messages VALUES (?, ?, ?, ?)", (stream, seq, until, message))
    cursor.execute("DELETE FROM messages WHERE stream = ? AND seq <= ?", (stream, seq - keep))
    return epoch, seq


def _remember(cursor: sqlite3.Cursor, stream: str, forget_at: float) -> None:
    cursor.execute(
        "UPDATE streams SET forget_at = ?2 WHERE name = ?1 AND forget_at < ?2", (stream, forget_at)
    )


def _log_out(cursor: sqlite3.Cursor, name: str, at: float, until: float) -> float:
    ((at,),) = cursor.execute(
        "INSERT INTO log_outs VALUES (?1, ?2, ?3) ON CONFLICT (name) DO UPDATE "
        "SET at = max(at, ?2), until = max(until, ?3) RETURNING at",
        (name, at, until),
    ).fetchall()
    return float(at)


def _sweep(cursor: sqlite3.Cursor, now: float) -> None:
    cursor.execute("DELETE FROM log_outs WHERE until <= ?", (now,))
    cursor.execute(
        "DELETE FROM messages WHERE (stream, seq) IN "
        "(SELECT stream, seq FROM messages WHERE until <= ? LIMIT ?)",
        (now, _SWEPT),
    )
    cursor.execute(
        "DELETE FROM streams WHERE name IN (SELECT name FROM streams WHERE forget_at <= ? "
        "AND NOT EXISTS (SELECT 1 FROM messages WHERE stream = name) LIMIT ?)",
        (now, _SWEPT),
    )
