"""Live sessions in PostgreSQL: see `PostgreSQLLive`."""

from kikao.live.stores.postgresql.store import PostgreSQLLive

__all__ = ["PostgreSQLLive"]
