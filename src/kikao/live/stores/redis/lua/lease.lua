-- ARGV     node, what its lease is called if it begins now, its milliseconds, 1 to make one that goes on longer
-- Answers  what the lease is called

local key = KEYS[1] .. ':l:' .. ARGV[1]
local found = redis.call('GET', key)
if not found then
  redis.call('SET', key, ARGV[2], 'PX', ARGV[3])
  return ARGV[2]
end
if ARGV[4] == '1' then
  redis.call('PEXPIRE', key, ARGV[3])
end
return found
