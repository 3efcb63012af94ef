"""PostgreSQL under the records: asyncpg in the event loop, for several processes and machines.

Everything is bounded: connecting, waiting for one of the few connections, for a lock, for an answer. A server that
cannot be reached is not tried again by every caller, but once in a while; the others hear at once that it is away.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import parse_qsl, urlsplit

from sqlalchemy import Connection, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from kikao.config.urls import shown
from kikao.records import careless
from kikao.records.answering import answering, committing, undone
from kikao.records.errors import RecordsAway, RecordsRefused
from kikao.records.migrations import Migrations
from kikao.records.parameters import amiss

if TYPE_CHECKING:
    from sqlalchemy import ExceptionContext

T = TypeVar("T")

QUEUE_SECONDS: Final = 5.0
"""How long a caller waits for one of the connections."""

CONNECT_SECONDS: Final = 5.0

LOCK_SECONDS: Final = 5.0
"""How long a transaction waits for another one's locks."""

STATEMENT_SECONDS: Final = 30.0
"""How long the server works on one statement."""

LINE_SECONDS: Final = 5.0
"""How much longer the client waits, in case the line is dead."""

IDLE_SECONDS: Final = 15.0
"""A transaction whose process stands still for so long is ended by the server, and its locks are free."""

AWAY_SECONDS: Final = 0.5
"""After a failed attempt to connect there is no other one for so long."""

TRIES: Final = 4
"""How often a transaction is begun that others keep from ending (a deadlock, a serialization failure)."""

MIGRATING: Final = 0x6B696B616F6D
"""The advisory lock of whoever upgrades tables; see `Migrations`."""

SCHEMA: Final = "public"
"""Where the tables lie, whoever asks: by itself a server looks first in a schema that is named like the user, and so
shows two users different tables, or has a user `kikao` make its records in the schema of the sessions.
"""

_READ_ONLY: Final = "25006"
"""What a server says that became a standby: the connection is of no use any more, the next one may lead elsewhere."""


class Postgresql:
    """The backend for `postgresql://`. It upgrades only when told to: other machines may still run older code."""

    upgrades_at_start = False

    def __init__(self, where: str, connections: int) -> None:
        """`where` is a URI as libpq has them, `sslmode`, several hosts and all. Raises `RecordsRefused`."""
        self._server = _Server(where)
        self.where: Final = self._server.where
        self._engine = self._made(
            pool_size=connections,
            max_overflow=0,
            pool_timeout=QUEUE_SECONDS,
            pool_pre_ping=True,
            pool_use_lifo=True,
        )
        self._reading = self._engine.execution_options(isolation_level="REPEATABLE READ")

    async def read(self, work: Callable[[Connection], T]) -> T:
        """A connection that was lost meanwhile is replaced once: reading again does no harm."""
        try:
            return await self._read(work)
        except RecordsAway as away:
            if not _lost(away):
                raise
        return await self._read(work)

    async def _read(self, work: Callable[[Connection], T]) -> T:
        with answering(self.where):
            async with self._reading.connect() as connection:
                return await _within(connection, lambda: connection.run_sync(work))

    async def write(self, work: Callable[[Connection], T]) -> T:
        for attempt in range(1, TRIES):
            try:
                return await self._write(self._engine, work)
            except RecordsAway as away:
                if not _given_up(away):
                    raise
            await asyncio.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311 - so that they do not meet again
        return await self._write(self._engine, work)

    async def _write(self, engine: AsyncEngine, work: Callable[[Connection], T]) -> T:
        with answering(self.where):
            async with engine.connect() as connection:
                result = await _within(connection, lambda: connection.run_sync(work))
                with committing(self.where):
                    await _within(connection, connection.commit)
        return result

    async def upgrade(self, migrations: Migrations) -> bool:
        """One upgrade at a time, however many operators ask for one; who comes second finds nothing to do."""

        def work(connection: Connection) -> bool:
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATING})
            # Whoever queues for a table keeps everybody else from it: better to fail, and to be asked again.
            connection.execute(text(f"SET LOCAL lock_timeout = {int(LOCK_SECONDS * 1000)}"))
            connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
            if not migrations.pending(connection):
                return False
            migrations.upgrade(connection)
            return True

        engine = self._made(patient=True, poolclass=NullPool)
        try:
            return await self._write(engine, work)
        finally:
            await engine.dispose()

    async def risks(self) -> list[str]:
        """What the settings of the server put at risk, each in a sentence. Raises `RecordsAway`."""
        return careless.risks(
            await self.read(lambda connection: list(connection.execute(text(careless.ASKING)).one()))
        )

    async def close(self) -> None:
        await self._engine.dispose()

    def _made(self, *, patient: bool = False, **options: Any) -> AsyncEngine:
        async def connect() -> Any:
            return await self._server.connect(None if patient else STATEMENT_SECONDS + LINE_SECONDS)

        try:
            engine = create_async_engine(
                "postgresql+asyncpg://", async_creator=connect, hide_parameters=True, **options
            )
        except ModuleNotFoundError as error:
            raise RecordsRefused(
                f"records: PostgreSQL needs {error.name}. "
                f"Run beside a checkout of kikao: pip install './kikao[postgresql]'"
            ) from error

        @event.listens_for(engine.sync_engine, "handle_error")
        def _(context: ExceptionContext) -> None:
            if getattr(context.original_exception, "sqlstate", None) == _READ_ONLY:
                context.is_disconnect = True

        return engine


class _Server:
    """Where the database is, and a memory of the last time that nobody was there."""

    def __init__(self, where: str) -> None:
        self._where = _checked(where)
        self.where: Final = shown(self._where)
        asked = dict(parse_qsl(urlsplit(self._where).query))
        self._settings = {name: value for name, value in _settings().items() if name not in asked}
        self._until = 0.0
        self._because = ""

    async def connect(self, command_timeout: float | None) -> Any:
        import asyncpg

        loop = asyncio.get_running_loop()
        if loop.time() < self._until:
            raise ConnectionError(self._because)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                return await asyncpg.connect(
                    self._where, command_timeout=command_timeout, server_settings=self._settings
                )
        except TimeoutError:
            self._remember(loop, f"no connection within {CONNECT_SECONDS:.0f} seconds")
        except OSError as error:
            self._remember(loop, amiss(self._where) or error.strerror or type(error).__name__)
        except asyncpg.ClientConfigurationError as error:
            # Not chained: its words may repeat the address.
            raise RecordsRefused(
                _NOT_UNDERSTOOD.format(self.where, amiss(self._where) or type(error).__name__)
            ) from None
        raise ConnectionError(self._because)

    def _remember(self, loop: asyncio.AbstractEventLoop, because: str) -> None:
        self._because, self._until = because, loop.time() + AWAY_SECONDS


def _checked(where: str) -> str:
    """The address as asyncpg takes it. Raises `RecordsRefused`, with nothing of it."""
    where = f"postgresql://{where.partition('://')[2]}"
    try:
        parts = urlsplit(where)
        names = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
        _ = parts.port if "," not in parts.netloc else None
        if (
            parts.netloc.count("@") > 1 or "@" in parts.path
        ):  # a part of the password would be taken for the host
            raise ValueError
    except ValueError:
        raise RecordsRefused(
            "records: the address is not a URL (expected postgresql://user:password@host/name). In names and passwords "
            "write : / ? # [ ] @ % as % with two hexadecimal digits."
        ) from None
    if len(parts.path) < 2 and not {"dbname", "database"} & names.keys():
        raise RecordsRefused("records: the address names no database (postgresql://user:password@host/name)")
    if "," in parts.netloc and "target_session_attrs" not in names:
        where += f"{'&' if parts.query else '?'}target_session_attrs=read-write"
    return where


async def _within(connection: AsyncConnection, do: Callable[[], Awaitable[T]]) -> T:
    """A connection on which an answer did not come is closed: nobody else may get what comes later."""
    try:
        return await do()
    except OSError:
        await connection.invalidate()
        raise


def _given_up(away: RecordsAway) -> bool:
    """Whether the server rolled a transaction back because of others."""
    return away.__cause__ is not None and undone(away.__cause__)


def _lost(away: RecordsAway) -> bool:
    return isinstance(away.__cause__, DBAPIError) and away.__cause__.connection_invalidated


def _settings() -> dict[str, str]:
    bounds = {
        "lock_timeout": LOCK_SECONDS,
        "statement_timeout": STATEMENT_SECONDS,
        "idle_in_transaction_session_timeout": IDLE_SECONDS,
    }
    texts = {"application_name": "kikao", "search_path": SCHEMA}
    return {**texts, **{name: f"{int(1000 * bound)}" for name, bound in bounds.items()}}


_NOT_UNDERSTOOD: Final = "records: PostgreSQL's client does not understand the address {} ({}). Mend it."
