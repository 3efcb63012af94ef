"""PostgreSQL under the contract, and against a simple model of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from hypothesis import settings

from kikao.sessions.store import SessionStore
from kikao.sessions.stores.postgresql import PostgreSQLStore, migrate
from tests.engines.postgresql import PostgreSQL
from tests.sessions.outbox_contract import SharedOutboxContract
from tests.sessions.store_contract import StoreContract
from tests.sessions.store_machine import StoreMachine
from tests.waiting import PATIENCE

TABLES = ("properties", "sessions", "leases", "dedupe", "intents", "messages", "paces", "workers")

EMPTY = f"""
DO $$ BEGIN
{"".join(f"DELETE FROM kikao.{table};" for table in TABLES)}
UPDATE kikao.shards SET worker = NULL WHERE worker IS NOT NULL;
END $$
"""


@pytest.fixture(scope="module")
def database(postgresql: PostgreSQL) -> str:
    """A database that has been migrated; tests empty it."""
    url = postgresql.database()
    asyncio.run(migrate(url))
    return url


class TestPostgreSQLStore(StoreContract, SharedOutboxContract):
    @pytest.fixture
    async def store(self, database: str) -> AsyncIterator[SessionStore]:
        connection = await asyncpg.connect(database)
        await connection.execute(EMPTY)
        await connection.close()
        store = PostgreSQLStore(database, patience=PATIENCE)
        await store.open()
        yield store
        await store.close()


class PostgreSQLMachine(StoreMachine):
    served: tuple[PostgreSQL, str]
    """Where it has its database: pytest gives it no fixtures."""

    def make_store(self, folder: Path) -> SessionStore:
        server, url = self.served
        server.execute(EMPTY, url=url)
        return PostgreSQLStore(url, patience=PATIENCE)


@pytest.fixture(autouse=True)
def _served(postgresql: PostgreSQL, database: str) -> None:
    PostgreSQLMachine.served = postgresql, database


TestPostgreSQLModel = PostgreSQLMachine.TestCase
TestPostgreSQLModel.settings = settings(max_examples=8, stateful_step_count=40)
