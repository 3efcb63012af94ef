-- ARGV     stream, epoch if it begins, seconds for which that is kept; then epoch and number of a position, or '' for
--          none, and how many messages at most
-- Answers  epoch, number of the last message, 1 if what follows is all that came, and the messages

local key, messages = begin(ARGV[1], ARGV[2])
keep(key, tonumber(ARGV[3]))
local known = redis.call('HMGET', key, 'e', 'q', 'k')
local epoch, top = known[1], tonumber(known[2])
if ARGV[5] == '' then
  return {epoch, top, 1, {}}
end
trim(messages, tonumber(known[3]))
local missed = top - tonumber(ARGV[5])
if ARGV[4] ~= epoch or missed < 0 or missed > tonumber(ARGV[6]) or missed > redis.call('LLEN', messages) then
  return {epoch, top, 0, {}}
end
return {epoch, top, 1, missed > 0 and redis.call('LRANGE', messages, -missed, -1) or {}}
