"""A small set of tables for the tests of records: notes and their owners."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from kikao.records import Records

ENV = "from kikao.records.migrations import run\n\nrun()\n"
FIRST = """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "0001", None
def upgrade():
    op.create_table("owners", sa.Column("id", sa.Integer, primary_key=True))
    op.create_table(
        "notes", sa.Column("body", sa.Text, unique=True),
        sa.Column("owner", sa.Integer, sa.ForeignKey("owners.id")),
    )
"""
SECOND = """
from alembic import op
revision, down_revision = "0002", "0001"
def upgrade():
    {what}
"""

Revisions = Callable[..., Path]
"""Writes a folder of revisions: the first, and if given, what the second does."""


async def note(records: Records, body: str) -> None:
    await execute(records, "INSERT INTO notes (body) VALUES (:body)", body=body)


async def bodies(records: Records) -> list[str]:
    return await query(records, "SELECT body FROM notes ORDER BY rowid")


async def execute(records: Records, *statements: str, **values: object) -> None:
    def work(connection: Connection) -> None:
        for statement in statements:
            connection.execute(text(statement), values)

    await records.write(work)


async def query(records: Records, statement: str) -> list[Any]:
    return await records.read(lambda connection: list(connection.execute(text(statement)).scalars()))


def modes(folder: Path) -> dict[str, int]:
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in [folder, *folder.iterdir()]}


def contents(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())
