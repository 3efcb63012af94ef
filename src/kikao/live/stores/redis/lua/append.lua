-- ARGV     stream, epoch if it begins, message, how many are kept, for how many seconds, and the epoch for how many
-- Answers  epoch, number

local key, messages = begin(ARGV[1], ARGV[2])
local most, seconds = tonumber(ARGV[4]), tonumber(ARGV[5])
local number = redis.call('HINCRBY', key, 'q', 1)
redis.call('HSET', key, 'k', ARGV[5])
redis.call('RPUSH', messages, struct.pack('<d', now()) .. ARGV[3])
if most > 0 then
  redis.call('LTRIM', messages, -most, -1)
  trim(messages, seconds)
  redis.call('PEXPIRE', messages, math.ceil(seconds * 1000))
else
  redis.call('DEL', messages)
end
keep(key, math.max(tonumber(ARGV[6]), seconds))
return {redis.call('HGET', key, 'e'), number}
