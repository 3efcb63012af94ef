"""PostgreSQL under the records: asyncpg in the event loop, for several machines."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import URL, Connection
from sqlalchemy.ext.asyncio import create_async_engine

from kikao.records.answering import answering, committing
from kikao.records.errors import RecordsRefused
from kikao.records.migrations import Migrations

T = TypeVar("T")


class Postgresql:
    """The backend for `postgresql://`. It upgrades only when told to: other machines may still run older code."""

    upgrades_at_start = False

    def __init__(self, url: URL) -> None:
        """Raises `RecordsRefused` when asyncpg is not installed."""
        self._where = url.render_as_string(hide_password=True)
        try:
            self._engine = create_async_engine(
                url.set(drivername="postgresql+asyncpg"), hide_parameters=True, pool_pre_ping=True
            )
        except ModuleNotFoundError as error:
            raise RecordsRefused(
                f"records: PostgreSQL needs {error.name}. Run: pip install {error.name}"
            ) from error

    async def read(self, work: Callable[[Connection], T]) -> T:
        with answering(self._where):
            async with self._engine.connect() as connection:
                return await connection.run_sync(work)

    async def write(self, work: Callable[[Connection], T]) -> T:
        with answering(self._where):
            async with self._engine.connect() as connection:
                result = await connection.run_sync(work)
                with committing(self._where):
                    await connection.commit()
        return result

    async def upgrade(self, migrations: Migrations) -> None:
        def work(connection: Connection) -> None:
            if migrations.pending(connection):
                migrations.upgrade(connection)

        await self.write(work)

    async def close(self) -> None:
        await self._engine.dispose()
