-- ARGV     user, seconds
-- Answers  when it was

local key = KEYS[1] .. ':u:' .. ARGV[1]
local at = string.format('%.6f', math.max(now(), tonumber(redis.call('GET', key) or '0')))
local left = math.max(redis.call('PTTL', key), math.ceil(tonumber(ARGV[2]) * 1000))
redis.call('SET', key, at, 'PX', left)
return at
