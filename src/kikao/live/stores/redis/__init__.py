"""Live sessions in Redis and Valkey: see `RedisLive`."""

from kikao.live.stores.redis.store import RedisLive

__all__ = ["RedisLive"]
