"""The tables and functions of the session store: which version a database has, and how it gets the one of this code."""

from __future__ import annotations

from importlib.resources import files
from typing import Any, Final

from kikao.sessions.store import StoreRefused
from kikao.sessions.stores.postgresql.connecting import Server

VERSION: Final = 1
"""Of the tables and functions that this code works with."""

_SCRIPTS: Final = ("schema.sql",)
"""What leads from each version to the next, the empty database being version 0."""

_LOCK: Final = 0x6B696B616F53
"""Of whoever migrates: others wait."""

_BEGIN: Final = """
CREATE SCHEMA IF NOT EXISTS kikao;
CREATE TABLE IF NOT EXISTS kikao.schema (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    version integer NOT NULL
);
"""


async def migrate(url: str) -> tuple[int, int]:
    """Bring the session store of a database up to date: the version it had, and the one it has now.

    Each step is a transaction: stopped in the middle, do it again. Servers of the version before may go on working
    meanwhile where the notes of a release say so. Raises `StoreRefused`.
    """
    server = Server(url)
    connection = await server.connect_once(patience=None)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
        before = await version_of(connection)
        if before > VERSION:
            raise StoreRefused(_newer(server.name, before))
        for version in range(before, VERSION):
            script = (files(__package__) / _SCRIPTS[version]).read_text()
            async with connection.transaction():
                await connection.execute(f"{_BEGIN}{script}")
                await connection.execute(
                    "INSERT INTO kikao.schema (version) VALUES ($1) "
                    "ON CONFLICT (one) DO UPDATE SET version = excluded.version",
                    version + 1,
                )
        return before, VERSION
    except server.errors as error:
        raise StoreRefused(f"{server.name}: the session store cannot be migrated ({error}).") from None
    finally:
        await connection.close(timeout=1.0)


async def version(url: str) -> int:
    """The version of the session store of a database; 0 where there is none yet. Raises `StoreRefused`."""
    server = Server(url)
    connection = await server.connect_once(patience=None)
    try:
        found = await version_of(connection)
    finally:
        await connection.close(timeout=1.0)
    if found > VERSION:
        raise StoreRefused(_newer(server.name, found))
    return found


async def check(connection: Any, name: str) -> None:
    """Raises `StoreRefused` unless the database has the version of this code."""
    found = await version_of(connection)
    if found > VERSION:
        raise StoreRefused(_newer(name, found))
    if found < VERSION:
        what = "has no session store yet" if found == 0 else f"has version {found} of the session store"
        raise StoreRefused(f"{name} {what}, and this kikao needs version {VERSION}. Run: kikao migrate")


async def version_of(connection: Any) -> int:
    """0 where there is no session store yet."""
    if await connection.fetchval("SELECT to_regclass('kikao.schema')") is None:
        return 0
    return int(await connection.fetchval("SELECT version FROM kikao.schema") or 0)


def _newer(name: str, found: int) -> str:
    return (
        f"{name} has version {found} of the session store, made by a newer kikao; this one knows versions up to "
        f"{VERSION}. Start the newer kikao. Nothing was changed."
    )
