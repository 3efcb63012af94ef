-- Gives a lease back, if it is still the one of this fence or of this token. It only makes room, so it also runs where
-- memory is full.
--
-- KEYS[1]  the partition
-- ARGV     session, '' or the fence, '' or the token

local lease = redis.call('HGET', KEYS[1] .. ':l', 'k' .. ARGV[1])
if lease and (string.sub(lease, 1, 8) == ARGV[2] or string.sub(lease, 17) == ARGV[3]) then
  redis.call('HDEL', KEYS[1] .. ':l', 'k' .. ARGV[1])
  return 1
end
return 0
