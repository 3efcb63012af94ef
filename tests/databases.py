"""Where tests keep records: a SQLite file, or a database of their own on a PostgreSQL server.

Tests that are marked `ON_BOTH` run on both; the others on SQLite. With `KIKAO_TEST_POSTGRESQL=postgresql://user@host/name`
every test runs on that server, and those that are of SQLite alone are skipped.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa

from kikao.records import Records
from tests.engines.postgresql import PostgreSQL

POSTGRESQL = os.environ.get("KIKAO_TEST_POSTGRESQL", "")

ON_BOTH = pytest.mark.parametrize("database", ["sqlite", "postgresql"], indirect=True)
ON_POSTGRESQL = pytest.mark.parametrize("database", ["postgresql"], indirect=True)

BUSY = 60.0
"""Seconds that records wait for a server, or for another writer, on a busy machine; what becomes of one that is away is
tested elsewhere."""

_server: PostgreSQL | None = None
"""Where the running test keeps its records; None for files."""


@pytest.fixture(autouse=True)
def database(request: pytest.FixtureRequest) -> Iterator[None]:
    """A file, or for `ON_BOTH` a database of the server that tests share."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("kikao.records.sqlite.BUSY_SECONDS", BUSY)
        if POSTGRESQL or getattr(request, "param", "sqlite") == "sqlite":
            yield
            return
        patch.setattr("tests.databases._server", request.getfixturevalue("postgresql"))
        for patience in ("CONNECT_SECONDS", "QUEUE_SECONDS", "LOCK_SECONDS"):
            patch.setattr(f"kikao.records.postgresql.{patience}", BUSY)
        yield


async def records_of(folder: Path, file: str) -> str | Path:
    """The records that belong to a folder: the file in it, or its own database, which stays when the test ends."""
    if _server is None and not POSTGRESQL:
        return folder / file
    note = folder / "database"
    if not note.exists():
        made = _server.database() if _server is not None else await _made_elsewhere()
        folder.mkdir(exist_ok=True)
        note.write_text(made)
    return note.read_text()


@asynccontextmanager
async def its_records(folder: Path) -> AsyncIterator[Records]:
    """Those of members and all that is kept beside them in a folder."""
    records = Records(await records_of(folder, "data/records.db"))
    try:
        yield records
    finally:
        await records.close()


async def rows(folder: Path, table: sa.Table) -> list[Mapping[str, Any]]:
    """What lies in a table."""
    async with its_records(folder) as records:
        return await records.read(
            lambda connection: [dict(row._mapping) for row in connection.execute(table.select())]
        )


async def _made_elsewhere() -> str:
    name = f"kikao_{secrets.token_hex(8)}"
    connection = await asyncpg.connect(POSTGRESQL)
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    return f"{POSTGRESQL.rpartition('/')[0]}/{name}"
