-- ARGV     stream, the name of the partition if it has none, for how many seconds the epoch is kept, and how many hours
--          may be between the one that was told and that in which the stream began; then epoch and number of a position,
--          or '' for none, and how many messages at most
-- Answers  epoch, number of the last message, 1 if what follows is all that came, and the messages

local key, messages = P .. ':s:' .. ARGV[1], P .. ':m:' .. ARGV[1]
local remembered, told, after = tonumber(ARGV[3]), ARGV[5], ARGV[6]
local known = redis.call('HMGET', key, 'e', 'q', 'k')
local epoch, top = known[1], tonumber(known[2] or 0)
if epoch then
  keep(key, remembered)
else
  epoch = asked_for(ARGV[2], remembered)
end
if after == '' then
  return {epoch, top, 1, {}}
end

local function is_of()
  if told == epoch then
    return true
  end
  if #told ~= 18 or #epoch < 18 or string.sub(told, 1, 12) ~= string.sub(epoch, 1, 12) then
    return false
  end
  local hours = tonumber(string.sub(epoch, 13, 18), 16) - tonumber(string.sub(told, 13), 16)
  return hours >= 0 and hours <= tonumber(ARGV[4])
end

trim(messages, tonumber(known[3] or 0))
local missed = top - tonumber(after)
if not is_of() or missed < 0 or missed > tonumber(ARGV[7]) or missed > redis.call('LLEN', messages) then
  return {epoch, top, 0, {}}
end
return {epoch, top, 1, missed > 0 and redis.call('LRANGE', messages, -missed, -1) or {}}
