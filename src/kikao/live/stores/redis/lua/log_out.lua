-- ARGV     user, seconds
-- Answers  when it was

local key = KEYS[1] .. ':u:' .. ARGV[1]
local time = redis.call('TIME')
local at = tonumber(time[1]) + tonumber(time[2]) / 1000000
at = string.format('%.6f', math.max(at, tonumber(redis.call('GET', key) or '0')))
local left = math.max(redis.call('PTTL', key), math.ceil(tonumber(ARGV[2]) * 1000))
redis.call('SET', key, at, 'PX', left)
return at
