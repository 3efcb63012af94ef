"""A directory for tests: a clock to turn, keys to rotate, and a look at what lies in its database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from kikao.members.directory import MIGRATIONS, VERSION_TABLE, Directory
from kikao.records import Records
from kikao.sessions.sealing import KeyRing
from kikao.testing import Clock
from tests.databases import records_of
from tests.waiting import PATIENCE

ASHA, BINTA, CHIDI = "+256772000001", "+256772000002", "+254712000003"
K1, K2, K3 = (bytes([n]) * 32 for n in (1, 2, 3))


def ring(**keys: bytes) -> KeyRing:
    """Keys by id, the first one seals; `k1` alone by default."""
    return KeyRing(keys or {"k1": K1})


@asynccontextmanager
async def its_records(folder: Path) -> AsyncIterator[Records]:
    """The database in `folder`."""
    records = Records(await records_of(folder, "data/records.db"))
    try:
        yield records
    finally:
        await records.close()


@asynccontextmanager
async def a_directory(
    folder: Path, keys: KeyRing | None = None, *, clock: Clock | None = None, **options: Any
) -> AsyncIterator[Directory]:
    """The directory in `folder`; open a second one to be another process."""
    options = {"patience": PATIENCE, **options}
    async with its_records(folder) as records:
        directory = Directory(records, keys or ring(), clock=clock or Clock(), **options)
        await records.migrate(MIGRATIONS, VERSION_TABLE, upgrade=True)
        await directory.start()
        try:
            yield directory
        finally:
            await directory.close()


async def rows(folder: Path, table: sa.Table) -> list[Mapping[str, Any]]:
    """What lies in a table."""
    async with its_records(folder) as records:
        return await records.read(
            lambda connection: [dict(row._mapping) for row in connection.execute(table.select())]
        )
