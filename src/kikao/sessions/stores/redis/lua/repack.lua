-- Puts another payload in the place of a message's. Answers 1, or 0 where the message is gone.
--
-- KEYS[1]  the partition
-- ARGV     id, payload

if redis.call('HEXISTS', KEYS[1] .. ':m', ARGV[1]) == 0 then
  return 0
end
redis.call('HSET', KEYS[1] .. ':y', ARGV[1], ARGV[2])
return 1
