-- Removes a session and its dedupe records, unless an intent of it is open. Answers 1 or 0.
--
-- KEYS[1]  the partition
-- ARGV     session

local at, session = KEYS[1], ARGV[1]
if redis.call('EXISTS', at .. ':i:' .. session) == 1 or redis.call('HDEL', at .. ':s', session) == 0 then
  return 0
end
redis.call('ZREM', at .. ':x', session)
local prefix = struct.pack('<I4', #session) .. session
for _, inbound in ipairs(redis.call('HKEYS', at .. ':d:' .. session)) do
  redis.call('ZREM', at .. ':e', prefix .. inbound)
end
redis.call('DEL', at .. ':d:' .. session)
return 1
