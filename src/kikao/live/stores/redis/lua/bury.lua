-- Take away what an owner has in this partition, whose lease is over.
--
-- ARGV     owner, how many at most
-- Answers  the changes, see `drop_all`

local key = P .. ':o:' .. ARGV[1]
local places = redis.call('SRANDMEMBER', key, ARGV[2])
if #places > 0 then
  redis.call('SREM', key, unpack(places))
end
if redis.call('EXISTS', key) == 0 then
  redis.call('SREM', P .. ':n', ARGV[1])
end
return drop_all(places)
