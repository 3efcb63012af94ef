"""Sessions in PostgreSQL: several processes on several machines, and what was acknowledged survives a failover to a
synchronous standby.
"""

from kikao.sessions.stores.postgresql.migrations import VERSION, migrate, version
from kikao.sessions.stores.postgresql.store import PostgreSQLStore

__all__ = ["VERSION", "PostgreSQLStore", "migrate", "version"]
