"""SQLite under the records: its file, its settings, its transactions, and a copy before an upgrade."""

from __future__ import annotations

import os
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, NullPool, event, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from kikao.records.errors import RecordsRefused

WRITING: Final = {"kikao_writing": True}
"""The execution option that makes a transaction take SQLite's writer at its start."""

BUSY_SECONDS: Final = 5.0
"""How long a transaction waits for a writer in another process before it fails with "database is locked"."""

READERS: Final = 8
"""Connections at once; more callers wait. Each has its own thread."""


def file_of(url: URL) -> Path:
    """The file an address names. Raises `RecordsRefused` for a database in memory: records stay."""
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise RecordsRefused(f"records: {url} names no file. Use a path or sqlite:///path.")
    return Path(url.database)


def prepare(path: Path) -> bool:
    """Make the file (0600) and its folder (0700) where they are missing; say whether the file was there."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.exists():
            # By name: closing a descriptor of the file would drop the locks that SQLite holds in this
            # process.
            path.chmod(0o600)
            return path.stat().st_size > 0
        _make_private(path)
    except OSError as error:
        raise RecordsRefused(f"records: cannot make or open {path}: {error.strerror}") from error
    return False


def engine(path: Path) -> AsyncEngine:
    """The engine for readers and writers of `path`."""
    return _with_settings(
        create_async_engine(
            URL.create("sqlite+aiosqlite", database=str(path)),
            hide_parameters=True,
            pool_size=READERS,
            max_overflow=0,
        ),
        foreign_keys=True,
    )


def migration_engine(path: Path) -> AsyncEngine:
    """An engine for one upgrade. Foreign keys are off, as SQLite asks of whoever rebuilds a table.

    See https://www.sqlite.org/lang_altertable.html#otheralter; `check_references` is its last step.
    """
    made = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(path)), hide_parameters=True, poolclass=NullPool
    )
    return _with_settings(made, foreign_keys=False).execution_options(**WRITING)


def check_references(connection: Connection) -> None:
    """Raise `RecordsRefused` when a row refers to one that is not there."""
    broken = connection.execute(text("PRAGMA foreign_key_check")).first()
    if broken is not None:
        raise RecordsRefused(
            f"records: the upgrade would leave a row of {broken[0]} without its row of {broken[2]}. "
            "Nothing was changed. This is a fault in the migration: please report it."
        )


def copy(source: Path, target: Path) -> None:
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


def _make_private(path: Path) -> None:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def _with_settings(made: AsyncEngine, *, foreign_keys: bool) -> AsyncEngine:
    @event.listens_for(made.sync_engine, "connect")
    def configure(connection: Any, _: Any) -> None:
        # Without this the driver begins transactions on its own, too late and not for every statement:
        # https://docs.sqlalchemy.org/en/20/dialects/sqlite.html#sqlite-transactions
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in _pragmas(foreign_keys):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(made.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        writing = connection.get_execution_options().get("kikao_writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return made


def _pragmas(foreign_keys: bool) -> list[str]:
    pragmas = [
        f"busy_timeout={int(BUSY_SECONDS * 1000)}",
        "journal_mode=WAL",
        "synchronous=FULL",
        f"foreign_keys={'ON' if foreign_keys else 'OFF'}",
    ]
    if sys.platform == "darwin":
        # fsync on macOS does not reach the platter: https://www.sqlite.org/pragma.html#pragma_fullfsync
        pragmas += ["fullfsync=ON", "checkpoint_fullfsync=ON"]
    return pragmas
