"""Sessions in a SQLite file: one process, nothing to install, and what was acknowledged survives."""

from kikao.sessions.stores.sqlite.store import SQLiteStore

__all__ = ["SQLiteStore"]
