"""A directory for tests: a clock to turn, and keys to rotate."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from kikao.members.directory import MIGRATIONS, VERSION_TABLE, Directory
from kikao.sessions.sealing import KeyRing
from kikao.testing import Clock
from tests.databases import its_records
from tests.key_rings import ring
from tests.waiting import PATIENCE

ASHA, BINTA, CHIDI = "+256772000001", "+256772000002", "+254712000003"


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
