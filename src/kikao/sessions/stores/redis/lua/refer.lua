-- Notes which message a provider's reference is of. It is noted in the partition of the reference.
--
-- KEYS[1]  the partition of the reference
-- ARGV     reference, partition and id of the message, until when, as sorted sets have it

redis.call('HSET', KEYS[1] .. ':r', ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[1] .. ':v', ARGV[3], ARGV[1])
return 1
