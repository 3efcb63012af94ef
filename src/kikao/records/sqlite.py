"""SQLite under the records: its file, its settings, its threads, and a copy before an upgrade."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import URL, Connection, Engine, NullPool, QueuePool, create_engine, event, text

from kikao.records.answering import answering, committing
from kikao.records.errors import RecordsRefused
from kikao.records.migrations import Migrations

T = TypeVar("T")

BUSY_SECONDS: Final = 5.0
"""How long a transaction waits for a writer in another process before it fails with "database is locked"."""

READERS: Final = 4
"""Threads that read at once; more callers wait. One more thread writes."""


_MADE_HERE: Final[set[Path]] = set()
"""Files that this process made: another set of tables at the first start needs no copy of them."""


class Sqlite:
    """The backend for a file: a few threads that read, and one that writes, because SQLite has one writer."""

    upgrades_at_start = True

    def __init__(self, url: URL) -> None:
        """Raises `RecordsRefused` for a database in memory, or a file or folder that cannot be made."""
        self.where: Final = url.render_as_string(hide_password=True)
        self._path = _file_of(url)
        self._existed = _prepare(self._path)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="kikao-records-read")
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="kikao-records-write")
        self._engine = _with_settings(
            create_engine(
                URL.create("sqlite", database=str(self._path)),
                hide_parameters=True,
                poolclass=QueuePool,
                pool_size=READERS + 1,
                max_overflow=0,
            ),
            foreign_keys=True,
        )

    async def read(self, work: Callable[[Connection], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        return await self._in_writer(lambda: self._write(self._engine, work))

    async def upgrade(self, migrations: Migrations) -> bool:
        """Copy a file that had something in it before, then upgrade it; both while no one else can write.

        Foreign keys are off meanwhile, as SQLite asks of whoever rebuilds a table
        (https://www.sqlite.org/lang_altertable.html#otheralter), and are checked before the commit.
        """

        def work(connection: Connection) -> bool:
            if not migrations.pending(connection):
                return False  # another process was faster
            made_here = self._path.absolute() in _MADE_HERE and migrations.is_new(connection)
            if self._existed and not made_here and _holds_something(connection):
                name = f"{self._path.name}.before-{migrations.version_table}-{migrations.head}"
                _copy(self._path, self._path.with_name(name))
            migrations.upgrade(connection)
            _check_references(connection)
            return True

        engine = _with_settings(
            create_engine(self._engine.url, hide_parameters=True, poolclass=NullPool), foreign_keys=False
        )
        return await self._in_writer(lambda: self._write(engine, work))

    async def risks(self) -> list[str]:
        """None: it is always opened so that it keeps everything."""
        return []

    async def close(self) -> None:
        def finish() -> None:
            self._readers.shutdown()
            self._writer.shutdown()
            self._engine.dispose()

        await asyncio.to_thread(finish)

    def _read(self, work: Callable[[Connection], T]) -> T:
        with answering(str(self._path)), self._engine.connect() as connection:
            return work(connection)

    def _write(self, engine: Engine, work: Callable[[Connection], T]) -> T:
        writers = engine.execution_options(kikao_writing=True)
        with answering(str(self._path)), writers.connect() as connection:
            connection.begin()
            result = work(connection)
            with committing(str(self._path)):
                connection.commit()
            return result

    async def _in_writer(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._writer, work)


def _file_of(url: URL) -> Path:
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise RecordsRefused(f"records: {url} names no file. Use a path or sqlite:///path.")
    return Path(url.database)


def _prepare(path: Path) -> bool:
    """Make the file (0600) and its folder (0700) where they are missing; say whether the file was there."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            with suppress(FileExistsError):  # another process that starts now was faster
                _make_private(path)
                _MADE_HERE.add(path.absolute())
                return False
        # By name: closing a descriptor of the file would drop the locks SQLite holds in this process.
        path.chmod(0o600)
        return path.stat().st_size > 0
    except OSError as error:
        raise RecordsRefused(f"records: cannot make or open {path}: {error.strerror}") from error


def _make_private(path: Path) -> None:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def _with_settings(engine: Engine, *, foreign_keys: bool) -> Engine:
    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _: Any) -> None:
        # Without this the driver begins transactions on its own, too late and not for every statement:
        # https://docs.sqlalchemy.org/en/20/dialects/sqlite.html#sqlite-transactions
        connection.isolation_level = None
        for pragma in _pragmas(foreign_keys):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writing = connection.get_execution_options().get("kikao_writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


def _pragmas(foreign_keys: bool) -> list[str]:
    pragmas = [
        f"busy_timeout={int(BUSY_SECONDS * 1000)}",
        "journal_mode=WAL",
        "synchronous=FULL",
        f"foreign_keys={'ON' if foreign_keys else 'OFF'}",
        # What is deleted or moved is overwritten, so that what was erased cannot be read off the disk:
        # https://www.sqlite.org/pragma.html#pragma_secure_delete
        "secure_delete=ON",
    ]
    if sys.platform == "darwin":
        # fsync on macOS does not reach the platter: https://www.sqlite.org/pragma.html#pragma_fullfsync
        pragmas += ["fullfsync=ON", "checkpoint_fullfsync=ON"]
    return pragmas


def _check_references(connection: Connection) -> None:
    broken = connection.execute(text("PRAGMA foreign_key_check")).first()
    if broken is not None:
        raise RecordsRefused(
            f"records: the upgrade would leave a row of {broken[0]} without its row of {broken[2]}. "
            "Nothing was changed. This is a fault in the migration: please report it."
        )


def _holds_something(connection: Connection) -> bool:
    """Whether any table has a row, but those that say where tables stand: another set of a new app may be made."""
    named = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
    tables = connection.execute(text(named)).scalars().all()
    quoted = (
        connection.dialect.identifier_preparer.quote(name) for name in tables if not name.endswith("_version")
    )
    return any(connection.execute(text(f"SELECT EXISTS (SELECT 1 FROM {each})")).scalar() for each in quoted)  # noqa: S608


def _copy(source: Path, target: Path) -> None:
    """Copy a live database (mode 0600), complete or not at all; an older copy of that name is replaced."""
    unfinished = target.with_name(f"{target.name}.unfinished")
    try:
        unfinished.unlink(missing_ok=True)
        _make_private(unfinished)
        with closing(sqlite3.connect(source)) as read, closing(sqlite3.connect(unfinished)) as write:
            read.backup(write)
        unfinished.replace(target)
    except (OSError, sqlite3.Error) as error:
        unfinished.unlink(missing_ok=True)
        raise RecordsRefused(
            f"records: {source} was not upgraded, because its copy {target} could not be written ({error}). "
            "Free some space or mend the folder's permissions, then start again."
        ) from error
