-- Grants nothing under a name before a time; a shorter pause leaves a longer one.
--
-- KEYS[1]  the partition of the name
-- ARGV     name, until

local at = KEYS[1] .. ':p:' .. ARGV[1]
local paused = redis.call('HGET', at, 'paused')
if not paused or struct.unpack('<d', paused) < struct.unpack('<d', ARGV[2]) then
  redis.call('HSET', at, 'paused', ARGV[2])
  redis.call('PERSIST', at) -- until something is granted after it
end
return 1
