"""Alembic without an ini file: a folder of revisions inside a package, run on a connection that we own.

A folder holds `versions/` and an `env.py` of two lines:

    from kikao.records.migrations import run

    run()
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from alembic import command, context
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from kikao.records.errors import RecordsRefused

ONE_AT_A_TIME: Final = asyncio.Lock()
"""Alembic keeps the running upgrade in module globals."""


class Migrations:
    """One set of tables: its folder of revisions and the table that keeps where a database stands."""

    def __init__(self, scripts: Path, version_table: str, where: str) -> None:
        """`where` names the database in messages."""
        self.version_table: Final = version_table
        self._where = where
        self._config = Config()
        self._config.set_main_option("script_location", str(scripts).replace("%", "%%"))
        self._config.set_main_option("path_separator", "os")
        self._scripts = ScriptDirectory.from_config(self._config)
        self.head: Final = self._scripts.get_current_head() or "none"
        """The newest revision this code knows."""

    def pending(self, connection: Connection) -> bool:
        """True when the database is behind. Raises `RecordsRefused` for a revision it does not know."""
        found = MigrationContext.configure(
            connection, opts={"version_table": self.version_table}
        ).get_current_heads()
        for revision in found:
            try:
                self._scripts.get_revision(revision)
            except CommandError:
                raise RecordsRefused(
                    f"records: {self._where} is at revision {revision} of {self.version_table}, which this "
                    f"version does not know (its newest is {self.head}). Start the version that wrote it, or "
                    "put back the copy made before its upgrade. Nothing was changed."
                ) from None
        return found != (self.head,)

    def is_new(self, connection: Connection) -> bool:
        """Whether the database has nothing of this set yet."""
        opts = {"version_table": self.version_table}
        return not MigrationContext.configure(connection, opts=opts).get_current_heads()

    def upgrade(self, connection: Connection) -> None:
        """Run what is missing, inside the transaction of `connection`."""
        self._config.attributes.update(connection=connection, version_table=self.version_table)
        command.upgrade(self._config, "head")


def run() -> None:
    """What a folder's `env.py` calls."""
    attributes = context.config.attributes
    context.configure(connection=attributes["connection"], version_table=attributes["version_table"])
    with context.begin_transaction():
        context.run_migrations()
