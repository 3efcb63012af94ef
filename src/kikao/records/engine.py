"""The records database: one engine, reading and writing transactions, migrations at start.

SQLAlchemy Core on `sqlite+aiosqlite` (the default, nothing to install) or `postgresql+asyncpg`, with the
same code. Neither SQLAlchemy nor Alembic is loaded before a `Records` is made.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

from kikao.records.errors import RecordsRefused

if TYPE_CHECKING:
    from sqlalchemy import URL
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine


class Records:
    """A database of records. Make one per process, `migrate` each set of tables, `close` at the end.

    `where` is a path, `sqlite:///path` or `postgresql://user@host/name`. A SQLite file is made with mode
    0600, a missing folder with 0700. In SQLite every commit is on the disk when it returns (WAL,
    `synchronous=FULL`, on macOS also `fullfsync`).

    Errors of the database never show the values that were sent to it.
    """

    def __init__(self, where: str | Path) -> None:
        """Raises `RecordsRefused` for an address it cannot use, or a file or folder it cannot make."""
        from kikao.records import sqlite

        url = _parse(where)
        self.where = url.render_as_string(hide_password=True)
        """The address, without its password, for messages and logs."""
        self._engine: AsyncEngine
        self._path: Path | None = None
        self._existed = True
        if url.get_backend_name() == "sqlite":
            self._path = sqlite.file_of(url)
            self._existed = sqlite.prepare(self._path)
            self._engine = sqlite.engine(self._path)
        else:
            self._engine = _postgresql(url)
        self._writers = self._engine.execution_options(**sqlite.WRITING)
        # SQLite has one writer at a time. Waiting here is fair and costs nothing; its own waiting polls.
        self._turn: asyncio.Lock | None = asyncio.Lock() if self._path else None

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection that only reads: one state of the database, in PostgreSQL one per statement."""
        async with self._engine.connect() as connection:
            yield connection

    @contextlib.asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that commits when the block ends and rolls back when it raises.

        In SQLite it holds the only writer from the start (`BEGIN IMMEDIATE`), so what it read cannot change
        before it commits. In PostgreSQL (read committed) lock what you base a decision on with `FOR UPDATE`.
        Keep it short: no hashing and no network inside.
        """
        async with self._turn or contextlib.nullcontext(), self._writers.begin() as connection:
            yield connection

    async def migrate(self, scripts: Path, version_table: str, *, upgrade: bool | None = None) -> None:
        """Bring one set of tables to the newest revision of its Alembic folder.

        `version_table` names the table that keeps its revision; each set of tables has its own. By default
        SQLite is upgraded here and now, after a copy of an existing file was put beside it, and PostgreSQL
        is only checked; `upgrade` says otherwise. The upgrade is one transaction: it happens, or nothing
        does.

        Raises `RecordsRefused` when the database is at a revision that this code does not know, when
        PostgreSQL lacks an upgrade, or when the copy cannot be made.
        """
        from sqlalchemy.exc import DBAPIError

        from kikao.records import sqlite
        from kikao.records.migrations import ONE_AT_A_TIME, Migrations

        migrations = Migrations(scripts, version_table, self.where)
        try:
            async with self.reading() as connection:
                if not await connection.run_sync(migrations.pending):
                    return
        except (OSError, DBAPIError) as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            raise RecordsRefused(f"records: cannot read {self.where} ({cause}).") from error
        if upgrade is None:
            upgrade = self._path is not None
        if not upgrade:
            raise RecordsRefused(
                f"records: {self.where} lacks an upgrade to revision {migrations.head} of {version_table}. "
                "Make a backup, then run: kikao migrate"
            )
        engine = sqlite.migration_engine(self._path) if self._path else self._engine
        async with ONE_AT_A_TIME, self._turn or contextlib.nullcontext(), engine.begin() as connection:
            if not await connection.run_sync(migrations.pending):
                return  # another process was faster
            if self._path and self._existed:
                copy = self._path.with_name(f"{self._path.name}.before-{version_table}-{migrations.head}")
                await asyncio.to_thread(sqlite.copy, self._path, copy)
            await connection.run_sync(migrations.upgrade)
            if self._path:
                await connection.run_sync(sqlite.check_references)

    async def close(self) -> None:
        """Close every connection; SQLite folds its write-ahead log into the file."""
        await self._engine.dispose()


def _parse(where: str | Path) -> URL:
    from sqlalchemy import URL, make_url
    from sqlalchemy.exc import ArgumentError

    if isinstance(where, Path) or "://" not in where:
        return URL.create("sqlite+aiosqlite", database=str(where))
    try:
        url = make_url(where)
    except (ArgumentError, ValueError):
        # Not chained: the parser's own words may hold a password.
        raise RecordsRefused("records: the address is not a URL (expected sqlite:///path)") from None
    match url.drivername:
        case "sqlite" | "sqlite+aiosqlite":
            return url.set(drivername="sqlite+aiosqlite")
        case "postgres" | "postgresql" | "postgresql+asyncpg":
            return url.set(drivername="postgresql+asyncpg")
    raise RecordsRefused(
        f"records: cannot use {url.drivername}. Use a path, sqlite:///path or postgresql://user@host/name."
    )


def _postgresql(url: URL) -> AsyncEngine:
    from sqlalchemy.ext.asyncio import create_async_engine

    try:
        return create_async_engine(url, hide_parameters=True, pool_pre_ping=True)
    except ModuleNotFoundError as error:
        raise RecordsRefused(
            f"records: PostgreSQL needs {error.name}. Run: pip install {error.name}"
        ) from error
