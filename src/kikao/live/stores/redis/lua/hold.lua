-- Keep an entry for whoever adopts it.
--
-- ARGV     topic, ref, seconds
-- Answers  1, or 0 where it is not there

local topic, ref, seconds = ARGV[1], ARGV[2], tonumber(ARGV[3])
local key = P .. ':t:' .. topic
local found = redis.call('HGET', key, 'r' .. ref)
if not found then
  return 0
end
hold(key, topic, ref, parts(found), seconds)
return 1
