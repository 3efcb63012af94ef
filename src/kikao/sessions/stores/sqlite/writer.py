"""The one writer of a SQLite store: what is waiting goes into one transaction, and one fsync.

Statements run in the event loop: they take microseconds, while a thread would wait for the interpreter's lock after
every one of them, up to 5 ms each time while the loop is busy. What waits for the disk or for another program has a
thread: COMMIT, the checkpoint, and a BEGIN that finds the write lock taken. Only one of the two uses the connection
at a time; meanwhile the next batch gathers.

Each job runs in a savepoint of its own, so that a conflict undoes only itself. Nobody hears of success before
COMMIT has returned, and then the whole batch hears of it through one call into the event loop.

What can go wrong, and what the jobs of the batch are told:

- another program holds the write lock for too long: `StoreUnavailable`, nothing stored, the store goes on;
- the disk is full, a read or write fails, the file is damaged: the transaction is gone, `StoreBroken`;
- COMMIT itself reports an I/O error: the transaction may be in the log and come back when the file is opened
  again, so `CommitUnknown` for those it would have stored.

After the last two the writer takes no more jobs: once an fsync has failed, a later one that succeeds proves
nothing (the kernel may have dropped the pages), so only opening the file again tells what is on disk.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from kikao.sessions.store import CommitUnknown, StoreBroken, StoreUnavailable

BATCH: Final = 256
"""Most jobs in one transaction."""

PAGE: Final = 4096
"""Bytes, SQLite's default."""

CHECKPOINT_PAGES: Final = 1000
"""About how many pages gather in the log before they are moved into the database."""

LOG_KEPT: Final = 64 * 1024 * 1024
"""A log that a long reader let grow is cut back to this many bytes."""

_PAGES_PER_JOB: Final = 4

_READERS_LEAVE: Final = 10
"""Tries of a checkpoint to find the log without readers."""

_RETRY: Final = 0.001
"""Seconds between tries. SQLite's own busy time-out is off: it would stop the event loop."""

_HARMLESS: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)

_NOT_COMMITTED: Final = (*_HARMLESS, sqlite3.SQLITE_FULL)
"""From COMMIT these are no riddle: the commit record is the last thing written, and it was not written."""


class Job:
    """Something to do in the writer's transaction. `settled`, if any, runs in the event loop, before the
    result.
    """

    __slots__ = ("args", "error", "future", "result", "settled", "size", "work")

    def __init__(
        self,
        work: Callable[..., Any],
        args: tuple[Any, ...],
        future: asyncio.Future[Any],
        settled: Callable[[], None] | None,
        size: int,
    ) -> None:
        self.work = work
        self.args = args
        self.future = future
        self.settled = settled
        self.size = size
        self.result: Any = None
        self.error: Exception | None = None


class Writer:
    """Runs jobs on a connection of its own, in batches. `limit` is how many may wait; `patience`, in seconds, is
    how long another program may hold the write lock.
    """

    def __init__(
        self, path: Path, *, limit: int, patience: float, max_size: int | None, cache_kib: int
    ) -> None:
        self.broken: str | None = None
        """Why the store stopped acknowledging."""
        self.waiting = 0
        """Jobs that have not been settled: those in the queue, and the batch at work."""
        self._path = path
        self._limit = limit
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._jobs: deque[Job] = deque()
        self._working = False  # a batch is at work, or about to be
        self._stopped: asyncio.Future[None] | None = None
        self._pages = 0
        self._connection = _connect(path, max_size, cache_kib)
        self._cursor = self._connection.cursor()
        self._handed: queue.SimpleQueue[tuple[list[Job], bool] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=f"sqlite writer {path.name}", daemon=True)
        self._thread.start()

    # --- in the event loop ---

    def submit(
        self,
        work: Callable[..., Any],
        args: tuple[Any, ...] = (),
        settled: Callable[[], None] | None = None,
        size: int = 0,
    ) -> asyncio.Future[Any]:
        """Queue a job, `work(cursor, *args)`, that writes values of about `size` bytes.

        Raises `StoreUnavailable` at once if too many wait, `StoreBroken` after a failure.
        """
        if self.broken is not None:
            raise StoreBroken(self.broken)
        if self._stopped is not None:
            raise StoreUnavailable(f"{self._path} was closed.")
        if self.waiting >= self._limit:
            raise StoreUnavailable(
                f"{self._path}: {self.waiting} writes wait for the disk, no more are taken."
            )
        self.waiting += 1
        future = self._loop.create_future()
        self._jobs.append(Job(work, args, future, settled, size))
        if not self._working:
            self._working = True
            self._loop.call_soon(self._start)
        return future

    async def stop(self) -> None:
        """Take no more jobs, finish those accepted, and close the connection."""
        self._stopped = self._loop.create_future()
        if self._working:
            await self._stopped
        self._handed.put(None)
        await asyncio.to_thread(self._thread.join)

    def _start(self) -> None:
        """Put what waits into a transaction, and hand it over to be committed."""
        if not self._jobs:
            self._working = False
            if self._stopped is not None and not self._stopped.done():
                self._stopped.set_result(None)
            return
        batch = [self._jobs.popleft() for _ in range(min(BATCH, len(self._jobs)))]
        if not self._hand_over(batch):
            self._settle(batch)
            self._loop.call_soon(self._start)

    def _hand_over(self, batch: list[Job]) -> bool:
        """Whether the thread has the batch now: to be committed, or else to be begun; False if it failed."""
        if self.broken is not None:
            _fail(batch, StoreBroken, self.broken)
            return False
        try:
            self._cursor.execute("BEGIN IMMEDIATE")
        except Exception as error:  # noqa: BLE001 - whatever it is, everybody waiting is told
            if _primary(error) not in _HARMLESS:
                self._give_up(batch, error)
                return False
            begun = False
        else:
            if not self._perform(batch):
                return False
            begun = True
        self._handed.put((batch, begun))
        return True

    def _settle(self, batch: list[Job]) -> None:
        self.waiting -= len(batch)
        for job in batch:
            if job.settled is not None:
                job.settled()
            if job.future.done():  # cancelled
                continue
            if job.error is None:
                job.future.set_result(job.result)
            else:
                job.future.set_exception(job.error)

    # --- in the thread ---

    def _run(self) -> None:
        try:
            while handed := self._handed.get():
                batch, begun = handed
                if begun or (self._begin(batch) and self._perform(batch)):
                    self._commit(batch)
                try:
                    self._loop.call_soon_threadsafe(self._settle, batch)
                    self._checkpoint()
                    self._loop.call_soon_threadsafe(self._start)
                except RuntimeError:  # the event loop is gone, and with it everybody who waits
                    return
        finally:
            self._connection.close()

    def _begin(self, batch: list[Job]) -> bool:
        """Wait for the write lock, which another program holds."""
        deadline = time.monotonic() + self._patience
        while True:
            try:
                self._cursor.execute("BEGIN IMMEDIATE")
            except Exception as error:  # noqa: BLE001 - whatever it is, everybody waiting is told
                if _primary(error) not in _HARMLESS or time.monotonic() >= deadline:
                    self._give_up(batch, error)
                    return False
            else:
                return True
            time.sleep(_RETRY)

    def _commit(self, batch: list[Job]) -> None:
        try:
            self._cursor.execute("COMMIT")
        except Exception as error:  # noqa: BLE001
            self._roll_back()
            if _primary(error) in _NOT_COMMITTED:
                return self._give_up(batch, error)
            return self._lose(batch, error)
        self._pages += sum(_PAGES_PER_JOB + job.size // PAGE for job in batch)
        return None

    def _checkpoint(self) -> None:
        """Move the log into the database: by hand, because SQLite keeps an automatic one's errors quiet."""
        if self._pages < CHECKPOINT_PAGES or self.broken is not None:
            return
        try:
            # RESTART wants readers to have left the log, so that it begins anew instead of growing. Ours leave
            # within microseconds; for those of other programs (a backup) the next checkpoint comes soon enough.
            for _ in range(_READERS_LEAVE):
                ((busy, _, _),) = self._cursor.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
                if not busy:
                    break
                time.sleep(_RETRY)
            self._pages = 0
        except sqlite3.Error as error:
            if _primary(error) not in _HARMLESS:
                self.broken = _why(self._path, error)

    # --- in either ---

    def _perform(self, batch: list[Job]) -> bool:
        """Run the jobs in the transaction that was begun; False if that was its end, for all of them."""
        execute = self._cursor.execute
        try:
            for job in batch:
                execute("SAVEPOINT job")
                try:
                    job.result = job.work(self._cursor, *job.args)
                except Exception as error:
                    if _is_fatal(error):
                        raise
                    job.error = error
                    execute("ROLLBACK TO job")
                execute("RELEASE job")
        except Exception as error:  # noqa: BLE001 - whatever it is, everybody waiting is told
            self._roll_back()
            self._give_up(batch, error)
            return False
        return True

    def _give_up(self, batch: list[Job], error: Exception) -> None:
        """Nothing of the batch is stored, and nothing will be."""
        if _primary(error) in _HARMLESS:
            why = f"{self._path}: another program holds the write lock ({error}). Stop it."
            return _fail(batch, StoreUnavailable, why)
        self.broken = _why(self._path, error)
        return _fail(batch, StoreBroken, self.broken)

    def _lose(self, batch: list[Job], error: Exception) -> None:
        """Whether the batch is stored shows when the file is opened again."""
        self.broken = _why(self._path, error)
        for job in batch:
            # A conflict was found against neighbours that may not be stored; of the job itself nothing is.
            job.error = CommitUnknown(self.broken) if job.error is None else StoreBroken(self.broken)

    def _roll_back(self) -> None:
        try:
            if self._connection.in_transaction:
                self._cursor.execute("ROLLBACK")
        except sqlite3.Error:
            pass  # without its commit record the transaction is not in the file whatever happens


def _connect(path: Path, max_size: int | None, cache_kib: int) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise sqlite3.OperationalError(f"its file system has no write-ahead log (journal mode {mode})")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA fullfsync = ON")  # macOS; no effect elsewhere
        connection.execute("PRAGMA checkpoint_fullfsync = ON")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute(f"PRAGMA journal_size_limit = {LOG_KEPT}")
        connection.execute("PRAGMA temp_store = MEMORY")  # savepoints keep what they may undo in memory
        connection.execute(f"PRAGMA cache_size = -{cache_kib}")
        if max_size is not None:
            (page,) = connection.execute("PRAGMA page_size").fetchone()
            connection.execute(f"PRAGMA max_page_count = {max(1, max_size // page)}")
    except BaseException:
        connection.close()
        raise
    return connection


def _is_fatal(error: Exception) -> bool:
    """Whether a failed statement speaks of the store, not of what it was given."""
    if isinstance(error, sqlite3.OperationalError | MemoryError):
        return True
    return type(error) is sqlite3.DatabaseError  # damaged; its subclasses are constraints and bad values


def _fail(batch: list[Job], kind: type[StoreUnavailable], why: str) -> None:
    for job in batch:
        job.error = kind(why)  # one each: a traceback grows where it is raised


def _primary(error: Exception) -> int:
    """The primary result code: https://www.sqlite.org/rescode.html."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


_ADVICE: Final = {
    sqlite3.SQLITE_FULL: "The disk is full: make room",
    sqlite3.SQLITE_READONLY: "The disk or file cannot be written: make it writable",
    sqlite3.SQLITE_IOERR: "The disk failed to read, write or sync: check it",
    sqlite3.SQLITE_CORRUPT: "The file is damaged: restore a copy",
    sqlite3.SQLITE_NOTADB: "The file is damaged: restore a copy",
}


def _why(path: Path, error: Exception) -> str:
    advice = _ADVICE.get(_primary(error), "Find the cause")
    name = getattr(error, "sqlite_errorname", type(error).__name__)
    return f"{path}: stopped storing sessions ({name}: {error}). {advice}, then start again."
