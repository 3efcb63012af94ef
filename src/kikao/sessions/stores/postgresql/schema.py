"""Tables and functions in a schema of their own: which version a database has of them, and how it gets the latest.

The version stands in a table `schema` beside them. Nothing here is particular to the session store: whatever keeps its
tables in scripts of SQL has one.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

from kikao.sessions.store import StoreRefused
from kikao.sessions.stores.postgresql.connecting import Server

_NOT_ALLOWED: Final = "42501"

_BEGIN: Final = """
CREATE SCHEMA IF NOT EXISTS {name};
CREATE TABLE IF NOT EXISTS {name}.schema (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    version integer NOT NULL
);
"""

_VERSION: Final = "SELECT version FROM {name}.schema"

_STEPPED: Final = """
INSERT INTO {name}.schema (version) VALUES ($1) ON CONFLICT (one) DO UPDATE SET version = excluded.version
"""


@dataclass(frozen=True, slots=True)
class Schema:
    """What a database should have. `name` is what it is called there, and no text of anybody else's."""

    name: str
    what: str
    """What people are told that it is: `the session store`."""
    package: str
    """Where the scripts are."""
    scripts: tuple[str, ...]
    """What leads from each version to the next, the empty database being version 0."""
    lock: int
    """Of whoever makes them: others wait."""

    @property
    def latest(self) -> int:
        """The version that this code works with."""
        return len(self.scripts)

    async def migrate(self, url: str) -> tuple[int, int]:
        """Bring a database up to date: the version it had, and the one it has now. Raises `StoreRefused`.

        Each step is a transaction: stopped in the middle, do it again.
        """
        server = Server(url)
        connection = await server.connect_once(patience=None)
        try:
            return await self.upgrade(connection, server.name)
        except server.errors as error:
            raise StoreRefused(f"{server.name}: {self.what} cannot be migrated ({error}).") from None
        finally:
            await connection.close(timeout=1.0)

    async def upgrade(self, connection: Any, server: str) -> tuple[int, int]:
        """The same on a connection to `server` that stands, and may be used afterwards.

        Raises `StoreRefused` for what is newer than this code, or not allowed, and what asyncpg raises.
        """
        before = await self.version_of(connection)
        if before == self.latest:
            return before, before
        await connection.execute("SELECT pg_advisory_lock($1)", self.lock)
        try:
            before = await self.version_of(connection)
            if before > self.latest:
                raise self.newer(server, before)
            for at in range(before, self.latest):
                await self._step(connection, at)
        except Exception as error:
            if getattr(error, "sqlstate", None) == _NOT_ALLOWED:
                lacks = f"version {before} of {self.what}" if before else f"no tables for {self.what}"
                raise StoreRefused(
                    f"{server} has {lacks}, and our user may not {'upgrade' if before else 'make'} them. Run kikao "
                    "migrate with a user that may."
                ) from None
            raise
        finally:
            await connection.execute("SELECT pg_advisory_unlock($1)", self.lock)
        return before, self.latest

    async def version(self, url: str) -> int:
        """The version that a database has; 0 where there is none yet. Raises `StoreRefused`."""
        server = Server(url)
        connection = await server.connect_once(patience=None)
        try:
            found = await self.version_of(connection)
        finally:
            await connection.close(timeout=1.0)
        if found > self.latest:
            raise self.newer(server.name, found)
        return found

    async def version_of(self, connection: Any) -> int:
        """The same on a connection that stands, also of what is newer. Raises what asyncpg raises."""
        if await connection.fetchval("SELECT to_regclass($1)", f"{self.name}.schema") is None:
            return 0
        return int(await connection.fetchval(_VERSION.format(name=self.name)) or 0)

    def newer(self, server: str, found: int) -> StoreRefused:
        """What is said of a version that this code does not know."""
        return StoreRefused(
            f"{server} has version {found} of {self.what}, made by a newer kikao; this one knows versions up to "
            f"{self.latest}. Start the newer kikao. Nothing was changed."
        )

    async def _step(self, connection: Any, at: int) -> None:
        """From that version to the next."""
        script = (files(self.package) / self.scripts[at]).read_text()
        async with connection.transaction():
            await connection.execute(_BEGIN.format(name=self.name) + script)
            await connection.execute(_STEPPED.format(name=self.name), at + 1)
