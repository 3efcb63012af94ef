-- A worker ends: its shards are free.
--
-- KEYS[1]  the partition of the workers
-- ARGV     worker

return redis.call('HDEL', KEYS[1] .. ':g', ARGV[1])
