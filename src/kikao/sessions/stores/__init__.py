"""Where sessions are kept. One file or package per store behind `SessionStore`, all under one contract test suite."""

from kikao.sessions.stores.memory import MemoryStore
from kikao.sessions.stores.sqlite import SQLiteStore

__all__ = ["MemoryStore", "SQLiteStore"]
