"""Sessions in a SQLite file: one process, nothing to install, and what was acknowledged survives.

Reads happen where they are asked for, on a read-only connection: they are shorter than a hand-over to a
thread. Writes go to the writer thread (`writer`), which commits what waits in one transaction. Leases
are in memory, since there is one process; a claim writes nothing. Fences begin anew above all earlier ones at
every opening.

Put the file on a local disk: network file systems break SQLite's locks.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Collection
from pathlib import Path
from typing import Any, Final, TypeVar

from kikao.sessions.outgoing import EVERY_SHARD
from kikao.sessions.store import (
    Busy,
    Claim,
    Dedupe,
    Duplicate,
    IntentRow,
    Record,
    Replacement,
    StoreBroken,
    StoreRefused,
    StoreUnavailable,
    Write,
)
from kikao.sessions.stores.claims import Sight, claim_in_line, claim_now
from kikao.sessions.stores.leases import Leases
from kikao.sessions.stores.sqlite import messages, rows
from kikao.sessions.stores.sqlite.file import FileLock, prepare
from kikao.sessions.stores.sqlite.outbox import SQLiteOutbox
from kikao.sessions.stores.sqlite.writer import CHECKPOINT_PAGES, PAGE, Writer

T = TypeVar("T")

FENCES_PER_BOOT: Final = 1 << 40

_SCAN_PAGE: Final = 200
_SWEEP_CHUNK: Final = 25
"""Rows removed in one job, and then checkpointed: their pages lie all over the file, and to write many of them at once
would hold up the turns behind for longer than turns do themselves.
"""

_COURTESY: Final = 4.0
"""For so many times as long as a job of a sweep took, the disk is left to others."""

_OVERDUE: Final = 1800.0
"""Seconds after which a sweep that meets what has expired since is behind, and leaves the disk for as long only."""

_READ_PATIENCE: Final = 0.05
"""Seconds a read may wait for another program that recovers the log."""


class SQLiteStore(SQLiteOutbox):
    """A `SessionStore` in the file at `path`, owned by this process while open: it looks after every shard.

    `queue` is how many writes may wait for the disk; `patience`, in seconds, how long another program (a
    backup tool) may hold the write lock; `max_size`, in bytes, caps the file; `cache_kib` is SQLite's page
    cache, twice.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        queue: int = 10_000,
        patience: float = 5.0,
        max_size: int | None = None,
        cache_kib: int = 16 * 1024,
    ) -> None:
        super().__init__()
        self.path = Path(path)
        self._queue = queue
        self._patience = patience
        self._max_size = max_size
        self._cache_kib = cache_kib
        self._opened: _Opened | None = None

    @property
    def broken(self) -> str | None:
        """Why the store stopped acknowledging (for a readiness probe), or None."""
        return None if self._opened is None else self._opened.writer.broken

    @property
    def waiting(self) -> int:
        """Writes that wait for the disk, or are on their way there."""
        return 0 if self._opened is None else self._opened.writer.waiting

    async def open(self) -> None:
        if self._opened is not None:
            raise RuntimeError(f"{self.path} is open already")
        lock = await asyncio.to_thread(prepare, self.path)
        writer: Writer | None = None
        try:
            writer = Writer(
                self.path,
                limit=self._queue,
                patience=self._patience,
                max_size=self._max_size,
                cache_kib=self._cache_kib,
            )
            boot = await writer.submit(rows.start)
            reader = _connect_reader(self.path, self._cache_kib)
        except BaseException as error:
            if writer is not None:
                await writer.stop()
            lock.release()
            if isinstance(error, sqlite3.Error | StoreUnavailable):
                raise StoreRefused(f"{self.path}: cannot be opened for writing ({error}).") from error
            raise
        self._opened = _Opened(lock, writer, reader, Leases(boot * FENCES_PER_BOOT))

    async def close(self) -> None:
        opened, self._opened = self._opened, None
        if opened is None:
            return
        opened.leases.close()
        if opened.writer.broken is None:
            # The last connection to close moves the log into the database: that is the writer's to do.
            opened.reader.close()
        await opened.writer.stop()
        # After a failed fsync nobody does: the log is the evidence, and a read-only connection leaves it.
        opened.reader.close()
        opened.lock.release()

    async def bind(self, name: str, value: bytes) -> bytes:
        bound: bytes = await self._write(rows.bind, name, value)
        return bound

    async def rebind(self, name: str, old: bytes, new: bytes) -> bool:
        rebound: bool = await self._write(rows.rebind, name, old, new)
        return rebound

    async def claim(
        self, key: bytes, dedupe: bytes | None, *, now: float, lease: float, wait: float
    ) -> Claim | Duplicate | Busy:
        opened = self._opened or self._closed()
        claim = claim_now(opened.leases, opened.look, key, dedupe, now, lease)
        if not isinstance(claim, int):
            return claim
        return await claim_in_line(
            opened.leases, opened.look, key, dedupe, now=now, lease=lease, wait=wait, arrival=claim
        )

    async def intent(self, write: Write) -> None:
        opened = self._opened or self._closed()
        await opened.writer.submit(rows.apply, (write,), size=_size(write))

    async def commit(self, write: Write) -> None:
        opened = self._opened or self._closed()

        def give_back() -> None:
            opened.leases.release(write.key, write.fence)

        try:
            stored = opened.writer.submit(rows.apply, (write,), give_back, _size(write))
        except BaseException:
            give_back()
            raise
        await stored

    async def release(self, claim: Claim) -> None:
        if self._opened is not None:
            self._opened.leases.release(claim.key, claim.fence)

    async def renew(self, key: bytes, ids: tuple[bytes, ...], fence: int, lease_until: float) -> int:
        renewed: int = await self._write(rows.renew, key, ids, fence, lease_until)
        return renewed

    async def end(self, key: bytes) -> bool:
        ended: bool = await self._write(rows.end, key)
        return ended

    async def sweep(self, *, now: float, limit: int, shards: Collection[int] = EVERY_SHARD) -> int:
        opened = self._opened or self._closed()
        removed = 0
        after = (float("-inf"), 0)
        while removed < limit:
            chunk = min(_SWEEP_CHUNK, limit - removed)
            found = opened.read(rows.expired, now, after, chunk, shards)
            if not found:
                break
            after = found[-1][:2]
            keys = [key for *_, key in found if not opened.leases.is_held(key, now)]
            removed += await self._politely(now - found[0][0], rows.sweep, keys, now)
        while (oldest := opened.read(rows.oldest_seen)) <= now:
            await self._politely(now - oldest, rows.forget_expired, now, _SWEEP_CHUNK)
        while (expired := opened.read(messages.oldest_expired, now)) is not None:
            await self._politely(now - expired, messages.remove_expired, now, _SWEEP_CHUNK)
        return removed

    async def due(self, *, now: float, limit: int, shards: Collection[int] = EVERY_SHARD) -> list[IntentRow]:
        opened = self._opened or self._closed()
        if opened.writer.broken is not None:  # what is due could not be settled
            raise StoreBroken(opened.writer.broken)
        return opened.read(rows.due, now, limit, shards)

    async def scan(self) -> AsyncIterator[Record]:
        opened = self._opened or self._closed()
        after: bytes | None = None
        while page := opened.read(rows.scan, after, _SCAN_PAGE):
            for record in page:
                yield record
            after = page[-1].key
            await asyncio.sleep(0)

    async def seen(self, key: bytes, dedupe: bytes | None = None) -> tuple[Dedupe, ...]:
        opened = self._opened or self._closed()
        return opened.read(rows.seen, key, dedupe)

    async def replace(self, replacement: Replacement) -> bool:
        opened = self._opened or self._closed()
        size = len(replacement.state) + sum(len(reply) for _, reply in replacement.replies)
        replaced: bool = await opened.writer.submit(rows.replace, (replacement,), size=size)
        return replaced

    async def _write(self, work: Callable[..., Any], *args: Any, size: int = 0) -> Any:
        opened = self._opened or self._closed()
        return await opened.writer.submit(work, args, size=size)

    def _read(self, work: Callable[..., T], *args: Any) -> T:
        opened = self._opened or self._closed()
        return opened.read(work, *args)

    async def _politely(self, overdue: float, work: Callable[..., Any], *args: Any) -> Any:
        """A job of a sweep, of what expired `overdue` seconds ago; then the disk is left to others."""
        opened = self._opened or self._closed()
        clock = asyncio.get_running_loop().time
        began = clock()
        result = await opened.writer.submit(work, args, size=CHECKPOINT_PAGES * PAGE)
        await asyncio.sleep((clock() - began) * (_COURTESY if overdue < _OVERDUE else 1.0))
        return result

    def _closed(self) -> _Opened:
        raise StoreUnavailable(f"{self.path} is not open.")


def _size(write: Write) -> int:
    """Octets of the values in a write, about."""
    if not write.outbox:
        return len(write.state)
    return len(write.state) + sum(len(message.payload) for message in write.outbox)


def _connect_reader(path: Path, cache_kib: int) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode=ro"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=_READ_PATIENCE)
    try:
        connection.execute(f"PRAGMA cache_size = -{cache_kib}")
    except BaseException:
        connection.close()
        raise
    return connection


class _Opened:
    """What a store has while it is open."""

    def __init__(self, lock: FileLock, writer: Writer, reader: sqlite3.Connection, leases: Leases) -> None:
        self.lock = lock
        self.writer = writer
        self.reader = reader
        self.leases = leases
        self._cursor = reader.cursor()

    def look(self, key: bytes, dedupe: bytes | None, now: float) -> Sight:
        """Raises `StoreBroken` for work that could not be stored; a reply that is stored is still found."""
        try:
            sight = rows.read(self._cursor, key, dedupe, now)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"the session store cannot be read ({error})") from error
        if self.writer.broken is not None and (sight[1] is None or sight[1].reply is None):
            raise StoreBroken(self.writer.broken)
        return sight

    def read(self, work: Callable[..., T], *args: Any) -> T:
        try:
            return work(self._cursor, *args)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"the session store cannot be read ({error})") from error
