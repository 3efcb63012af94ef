"""The records database: reading and writing transactions, and migrations at start.

A transaction is a plain function of a SQLAlchemy Core connection:

    def names(connection: Connection) -> list[str]:
        return list(connection.execute(select(MEMBERS.c.name)).scalars())

    await records.read(names)

The same function runs on SQLite (the default, nothing to install) in a thread, and on PostgreSQL (asyncpg)
in the event loop. A function, not an `async with` block, because a thread that changes hands for every
statement of SQLite makes a transaction several times as long, and others wait for it.

Neither SQLAlchemy nor Alembic is loaded before a `Records` is made.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from kikao.records.errors import NotYet, RecordsAway, RecordsRefused
from kikao.records.upgrades import Migrated, upgrader

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection

    from kikao.records.migrations import Migrations

T = TypeVar("T")

logger = logging.getLogger(__name__)


class Records:
    """A database of records. Make one per process, `migrate` each set of tables, `close` at the end.

    `where` is a path, `sqlite:///path` or `postgresql://user@host/name`. A SQLite file is made with mode
    0600, a missing folder with 0700. In SQLite every commit is on the disk when it returns (WAL,
    `synchronous=FULL`, on macOS also `fullfsync`).

    Errors of the database never show the values that were sent to it.
    """

    def __init__(self, where: str | Path, *, connections: int = 8, strict: bool = False) -> None:
        """`connections` are the most to PostgreSQL at a time; who finds all of them at work waits a little.

        With `strict`, `migrate` refuses a server whose settings may lose what it acknowledged (`fsync`,
        `full_page_writes` or `synchronous_commit` off); without it only the log says so.

        Raises `RecordsRefused` for an address it cannot use, or a file or folder it cannot make.
        """
        self._backend = _backend(where, connections)
        self._strict = strict
        self._is_known = False
        self.where = self._backend.where
        """The address, without its password, for messages and logs."""

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run a function that only reads, on one state of the database. It may be run again from the start.

        Raises `RecordsAway`, and what `work` raises.
        """
        return await self._backend.read(work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run a function in a transaction: commit when it returns, roll back when it raises.

        In SQLite it holds the only writer from the start (`BEGIN IMMEDIATE`), so what it read cannot change
        before it commits. In PostgreSQL (read committed) lock what you base a decision on with `FOR
        UPDATE`; a transaction that others keep from ending (a deadlock) is rolled back and `work` run again, so it
        changes nothing but the database. Keep it short: no hashing and no network inside.

        Raises `RecordsAway`, `CommitUnknown`, and what `work` raises. A caller that is cancelled does not
        know whether the transaction was committed.
        """
        return await self._backend.write(work)

    async def migrate(self, scripts: Path, version_table: str, *, upgrade: bool | None = None) -> None:
        """Bring one set of tables to the newest revision of its Alembic folder.

        `version_table` names the table that keeps its revision; each set of tables has its own. By default
        SQLite is upgraded here and now, after a copy of an existing file was put beside it, and PostgreSQL
        is only checked, but within `upgrading`; `upgrade` says otherwise. The upgrade is one transaction: it
        happens, or nothing does.

        Raises `RecordsRefused` when the database is at a revision that this code does not know, when
        PostgreSQL lacks an upgrade, when the copy cannot be made, or when there is no database to read.
        """
        from kikao.records.migrations import ONE_AT_A_TIME, Migrations

        migrations, upgrades = Migrations(scripts, version_table, self.where), upgrader()
        try:
            await self._look()
            pending = await self._backend.read(migrations.pending)
        except RecordsAway as error:
            raise RecordsRefused(str(error)) from error
        if pending and upgrades is not None and upgrades.only_looks and upgrade is None:
            upgrades.told(Migrated(self.where, version_table, migrations.head, True))
            raise NotYet(f"records: {self.where} lacks an upgrade to {migrations.head} of {version_table}")
        if pending:
            if upgrade is None:
                upgrade = self._backend.upgrades_at_start or upgrades is not None
            if not upgrade:
                raise RecordsRefused(
                    f"records: {self.where} lacks an upgrade to revision {migrations.head} of {version_table}. "
                    "Make a backup, then run: kikao migrate MODULE:APP"
                )
            async with ONE_AT_A_TIME:
                pending = await self._backend.upgrade(migrations)  # or somebody else was faster
        if upgrades is not None:
            upgrades.told(Migrated(self.where, version_table, migrations.head, pending))

    async def _look(self) -> None:
        """Once: whether what is written is kept. Raises `RecordsRefused`, `RecordsAway`."""
        if self._is_known:
            return
        risks = await self._backend.risks()
        if risks and self._strict:
            raise RecordsRefused(f"records: {self.where}: {' '.join(risks)} Turn it on.")
        for risk in risks:
            logger.warning("records: %s: %s", self.where, risk)
        self._is_known = True

    async def close(self) -> None:
        """Close every connection; SQLite folds its write-ahead log into the file."""
        await self._backend.close()


class Backend(Protocol):
    """What differs between the databases."""

    upgrades_at_start: bool

    @property
    def where(self) -> str: ...

    async def read(self, work: Callable[[Connection], T]) -> T: ...
    async def write(self, work: Callable[[Connection], T]) -> T: ...
    async def upgrade(self, migrations: Migrations) -> bool: ...
    async def risks(self) -> list[str]: ...
    async def close(self) -> None: ...


def _backend(where: str | Path, connections: int) -> Backend:
    scheme, sides, rest = ("", "", "") if isinstance(where, Path) else where.partition("://")
    if sides and scheme in ("postgres", "postgresql", "postgresql+asyncpg"):
        from kikao.records.postgresql import Postgresql

        return Postgresql(f"{scheme}{sides}{rest}", connections)
    url = _parse(where)
    if url.drivername in ("sqlite", "sqlite+aiosqlite", "sqlite+pysqlite"):
        from kikao.records.sqlite import Sqlite

        return Sqlite(url)
    raise RecordsRefused(
        f"records: cannot use {url.drivername}. Use a path, sqlite:///path or postgresql://user@host/name."
    )


def _parse(where: str | Path) -> URL:
    from sqlalchemy import URL, make_url
    from sqlalchemy.exc import ArgumentError

    if isinstance(where, Path) or "://" not in where:
        return URL.create("sqlite", database=str(where))
    try:
        return make_url(where)
    except (ArgumentError, ValueError):
        # Not chained: the parser's own words may hold a password.
        raise RecordsRefused("records: the address is not a URL (expected sqlite:///path)") from None
