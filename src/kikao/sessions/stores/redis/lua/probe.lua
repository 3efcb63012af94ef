-- Runs every command that the scripts use, on a key of its own, so that a user who may not is found out at the start
-- and not in the middle of a change.
--
-- KEYS[1]  the partition

local at = KEYS[1] .. ':probe'
redis.call('TIME')
redis.call('HSET', at, 'a', '1')
redis.call('HSETNX', at, 'a', '1')
redis.call('HINCRBY', at, 'a', 1)
redis.call('HGET', at, 'a')
redis.call('HMGET', at, 'a', 'b')
redis.call('HGETALL', at)
redis.call('HKEYS', at)
redis.call('HEXISTS', at, 'a')
redis.call('HSCAN', at, 0, 'COUNT', 1)
redis.call('HDEL', at, 'a')
redis.call('ZADD', at, 1, 'a')
redis.call('ZRANGE', at, '-inf', 1, 'BYSCORE', 'LIMIT', 0, 1)
redis.call('ZREM', at, 'a')
redis.call('SADD', at, 'a')
redis.call('SMEMBERS', at)
redis.call('SREM', at, 'a')
redis.call('RPUSH', at, 'a')
redis.call('LINDEX', at, 0)
redis.call('LRANGE', at, 0, -1)
redis.call('LREM', at, 1, 'a')
redis.call('EXISTS', at)
redis.call('DEL', at)
return 1
