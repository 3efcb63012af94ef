-- ARGV     stream; the name of the partition if it has none, and the end of the epoch if the stream begins; message, how
--          many are kept, for how many seconds, and the epoch for how many
-- Answers  epoch, number

local key, messages = P .. ':s:' .. ARGV[1], P .. ':m:' .. ARGV[1]
local most, seconds, remembered = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
if redis.call('EXISTS', key) == 0 then
  redis.call('HSET', key, 'e', asked_for(ARGV[2], remembered) .. ARGV[3], 'q', '0')
  redis.call('DEL', messages)
end
local number = redis.call('HINCRBY', key, 'q', 1)
redis.call('HSET', key, 'k', ARGV[6])
redis.call('RPUSH', messages, struct.pack('<d', now()) .. ARGV[4])
if most > 0 then
  redis.call('LTRIM', messages, -most, -1)
  trim(messages, seconds)
  redis.call('PEXPIRE', messages, math.ceil(seconds * 1000))
else
  redis.call('DEL', messages)
end
keep(key, math.max(remembered, seconds))
return {redis.call('HGET', key, 'e'), number}
