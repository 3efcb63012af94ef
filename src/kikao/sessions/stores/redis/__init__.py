"""Sessions in Redis 7 and later, or Valkey: several processes and machines, on one server, behind Sentinels, or in a
Cluster.
"""

from kikao.sessions.stores.redis.store import RedisStore

__all__ = ["RedisStore"]
