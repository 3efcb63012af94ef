"""The tables and functions of live sessions: which version a database has, and how it gets the one of this code.

Servers make them when they start, if their user may: nothing in them outlives a day or so, and none of it is worth a
step of its own before the first start. Where the user may not, `kikao migrate` does it with one who may.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any, Final

from kikao.sessions.store import StoreRefused
from kikao.sessions.stores.postgresql.connecting import Server

VERSION: Final = 1
"""Of the tables and functions that this code works with."""

_SCRIPTS: Final = ("schema.sql",)
"""What leads from each version to the next, the empty database being version 0."""

_LOCK: Final = 0x6B696B616F4C
"""Of whoever makes them: others wait."""

_NOT_ALLOWED: Final = "42501"

_BEGIN: Final = """
CREATE SCHEMA IF NOT EXISTS kikao_live;
CREATE TABLE IF NOT EXISTS kikao_live.schema (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    version integer NOT NULL
);
"""


async def migrate(url: str) -> tuple[int, int]:
    """Bring the live sessions of a database up to date: the version it had, and the one it has now.

    Raises `StoreRefused`.
    """
    server = Server(url)
    connection = await server.connect_once(patience=None)
    try:
        return await upgrade(connection, server.name)
    except server.errors as error:
        raise StoreRefused(f"{server.name}: live sessions cannot be migrated ({error}).") from None
    finally:
        await connection.close(timeout=1.0)


async def version(url: str) -> int:
    """The version that a database has; 0 where there is none yet. Raises `StoreRefused`."""
    server = Server(url)
    connection = await server.connect_once(patience=None)
    try:
        return await _version_of(connection)
    finally:
        await connection.close(timeout=1.0)


async def upgrade(connection: Any, name: str) -> tuple[int, int]:
    """The same on a connection that stands. Raises `StoreRefused` for what is newer than this code, or not allowed, and
    what asyncpg raises.
    """
    before = await _version_of(connection)
    if before == VERSION:
        return before, VERSION
    await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
    try:
        before = await _version_of(connection)
        if before > VERSION:
            raise StoreRefused(
                f"{name} has version {before} of live sessions, made by a newer kikao; this one knows versions up to "
                f"{VERSION}. Start the newer kikao. Nothing was changed."
            )
        for at in range(before, VERSION):
            script = (files(__package__) / _SCRIPTS[at]).read_text()
            async with connection.transaction():
                await connection.execute(f"{_BEGIN}{script}")
                await connection.execute(
                    "INSERT INTO kikao_live.schema (version) VALUES ($1) "
                    "ON CONFLICT (one) DO UPDATE SET version = excluded.version",
                    at + 1,
                )
    except Exception as error:
        if getattr(error, "sqlstate", None) == _NOT_ALLOWED:
            raise StoreRefused(
                f"{name} has no tables for live sessions, and our user may not make them. Run kikao migrate with "
                "a user that may."
            ) from None
        raise
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)
    return before, VERSION


async def _version_of(connection: Any) -> int:
    """0 where there is none yet."""
    if await connection.fetchval("SELECT to_regclass('kikao_live.schema')") is None:
        return 0
    return int(await connection.fetchval("SELECT version FROM kikao_live.schema") or 0)
