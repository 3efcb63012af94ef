"""Every store under the contract, and against a simple model of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import settings

from kikao.sessions.store import SessionStore
from kikao.sessions.stores import MemoryStore, SQLiteStore
from tests.sessions.outbox_contract import OutboxContract, SharedOutboxContract
from tests.sessions.outbox_machine import OutboxMachine
from tests.sessions.store_contract import StoreContract
from tests.sessions.store_machine import StoreMachine


class TestMemoryStore(StoreContract, SharedOutboxContract):
    @pytest.fixture
    async def store(self) -> AsyncIterator[SessionStore]:
        store = MemoryStore()
        await store.open()
        yield store
        await store.close()


class TestSQLiteStore(StoreContract, OutboxContract):
    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[SessionStore]:
        store = SQLiteStore(tmp_path / "sessions.db")
        await store.open()
        yield store
        await store.close()


class MemoryMachine(StoreMachine):
    def make_store(self, folder: Path) -> SessionStore:
        return MemoryStore()


class SQLiteMachine(StoreMachine):
    def make_store(self, folder: Path) -> SessionStore:
        return SQLiteStore(folder / "sessions.db")


TestMemoryModel = MemoryMachine.TestCase
TestMemoryModel.settings = settings(max_examples=100, stateful_step_count=40)
TestSQLiteModel = SQLiteMachine.TestCase
TestSQLiteModel.settings = settings(max_examples=20, stateful_step_count=40)


class MemoryOutboxMachine(OutboxMachine):
    def make_store(self, folder: Path) -> SessionStore:
        return MemoryStore()


class SQLiteOutboxMachine(OutboxMachine):
    def make_store(self, folder: Path) -> SessionStore:
        return SQLiteStore(folder / "sessions.db")


TestMemoryOutboxModel = MemoryOutboxMachine.TestCase
TestMemoryOutboxModel.settings = settings(max_examples=50, stateful_step_count=40)
TestSQLiteOutboxModel = SQLiteOutboxMachine.TestCase
TestSQLiteOutboxModel.settings = settings(max_examples=6, stateful_step_count=40)
