"""Where tests keep records: a SQLite file, or a database of their own on a PostgreSQL server.

The server is that of `KIKAO_TEST_POSTGRESQL=postgresql://user@host/name`, if that is set.
"""

from __future__ import annotations

import importlib
import os
import secrets
from pathlib import Path

POSTGRESQL = os.environ.get("KIKAO_TEST_POSTGRESQL", "")


async def records_of(folder: Path, file: str) -> str | Path:
    """The records that belong to a folder: the file in it, or its own database, which stays when the test ends."""
    if not POSTGRESQL:
        return folder / file
    asyncpg = importlib.import_module("asyncpg")  # not among the tools that every test run needs

    note = folder / "database"
    if not note.exists():
        name = f"kikao_{secrets.token_hex(8)}"
        connection = await asyncpg.connect(POSTGRESQL)
        await connection.execute(f"CREATE DATABASE {name}")
        await connection.close()
        folder.mkdir(exist_ok=True)
        note.write_text(name)
    return f"{POSTGRESQL.rpartition('/')[0]}/{note.read_text()}"
