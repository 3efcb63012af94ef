"""The tables and functions of the session store: which version a database has, and how it gets the one of this code."""

from __future__ import annotations

from typing import Any, Final

from kikao.sessions.store import StoreRefused
from kikao.sessions.stores.postgresql.schema import Schema

_SCHEMA: Final = Schema(
    "kikao", "the session store", package=__package__, scripts=("schema.sql",), lock=0x6B696B616F53
)

VERSION: Final = _SCHEMA.latest
"""Of the tables and functions that this code works with."""

migrate: Final = _SCHEMA.migrate
"""Brings the session store of a database up to date. Servers of the version before may go on working meanwhile where
the notes of a release say so."""

version: Final = _SCHEMA.version
"""That of a database; 0 where there is no session store yet."""


async def check(connection: Any, name: str) -> None:
    """Raises `StoreRefused` unless the database has the version of this code."""
    found = await _SCHEMA.version_of(connection)
    if found > VERSION:
        raise _SCHEMA.newer(name, found)
    if found < VERSION:
        what = "has no session store yet" if found == 0 else f"has version {found} of the session store"
        raise StoreRefused(f"{name} {what}, and this kikao needs version {VERSION}. Run: kikao migrate")
