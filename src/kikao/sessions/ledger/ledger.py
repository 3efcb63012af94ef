"""The ledger: open critical effects in SQL, with the session they belong to, ahead of a store that may forget.

Whatever it cannot say raises as a store does: `StoreUnavailable`, or `CommitUnknown` for a write nobody confirmed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from kikao.records import CommitUnknown as RecordsUnknown
from kikao.records import Records, RecordsAway, RecordsRefused
from kikao.sessions.ledger import book
from kikao.sessions.ledger.book import Kept, Latest, Put
from kikao.sessions.store import CommitUnknown, IntentRow, StoreRefused, StoreUnavailable, Write

if TYPE_CHECKING:
    from sqlalchemy import Connection

T = TypeVar("T")

MIGRATIONS: Final = Path(__file__).parent / "migrations"
VERSION_TABLE: Final = "kikao_ledger_version"


class Ledger:
    """Open critical effects in the records database. Every process of an app has one on the same database."""

    def __init__(self, records: Records) -> None:
        """Owns `records`: closing it closes them."""
        self._records = records

    async def tables(self) -> None:
        """Bring the tables up to date, or make sure that they are. Raises `RecordsRefused`."""
        await self._records.migrate(MIGRATIONS, VERSION_TABLE)

    async def open(self) -> None:
        """The same. Raises `StoreRefused`."""
        try:
            await self.tables()
        except RecordsRefused as error:
            raise StoreRefused(str(error)) from error

    async def close(self) -> None:
        """Let go of the database."""
        await self._records.close()

    async def put(self, write: Write, known: Collection[bytes], now: float) -> Put:
        """See `book.put`. Raises `Behind`."""
        return await self._write(lambda connection: book.put(connection, write, known, now))

    async def withdraw(self, write: Write, put: Put, now: float) -> None:
        """See `book.withdraw`."""
        await self._write(lambda connection: book.withdraw(connection, write, put, now))

    async def restored(self, before: int, write: Write, now: float) -> bool:
        """See `book.restored`."""
        return await self._write(lambda connection: book.restored(connection, before, write, now))

    async def moved(self, key: bytes, write: Write, ids: dict[bytes, bytes]) -> None:
        """See `book.moved`."""
        await self._write(lambda connection: book.moved(connection, key, write, ids))

    async def renew(self, key: bytes, ids: Collection[bytes], fence: int, until: float) -> None:
        """See `book.renew`."""
        await self._write(lambda connection: book.renew(connection, key, ids, fence, until))

    async def shorten(self, key: bytes, expires_at: float) -> None:
        """See `book.shorten`."""
        await self._write(lambda connection: book.shorten(connection, key, expires_at))

    async def forget(self, key: bytes) -> bool:
        """See `book.forget`."""
        return await self._write(lambda connection: book.forget(connection, key))

    async def prune(self, until: float, limit: int) -> int:
        """See `book.prune`."""
        return await self._write(lambda connection: book.prune(connection, until, limit))

    async def kept(self, key: bytes) -> Kept | None:
        """What is kept of a session."""
        return await self._read(lambda connection: book.kept(connection, key))

    async def due(self, now: float, limit: int) -> list[IntentRow]:
        """See `book.due`."""
        return await self._read(lambda connection: book.due(connection, now, limit))

    async def latest(self, since: float) -> list[Latest]:
        """See `book.latest`."""
        return await self._read(lambda connection: book.latest(connection, since))

    async def _read(self, work: Callable[[Connection], T]) -> T:
        try:
            return await self._records.read(work)
        except RecordsAway as error:
            raise StoreUnavailable(str(error)) from error

    async def _write(self, work: Callable[[Connection], T]) -> T:
        try:
            return await self._records.write(work)
        except RecordsAway as error:
            raise StoreUnavailable(str(error)) from error
        except RecordsUnknown as error:
            raise CommitUnknown(str(error)) from error
