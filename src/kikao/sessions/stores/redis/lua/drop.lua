-- Removes a session that was taken to another key, with all that is left of it. Answers 1 or 0.
--
-- KEYS[1]  the partition
-- ARGV     session, version, fence

local at, session = KEYS[1], ARGV[1]
local record = redis.call('HGET', at .. ':s', session)
if not record or string.sub(record, 1, 16) ~= ARGV[2] .. ARGV[3] then
  return 0
end
local prefix = struct.pack('<I4', #session) .. session
for _, inbound in ipairs(redis.call('HKEYS', at .. ':d:' .. session)) do
  redis.call('ZREM', at .. ':e', prefix .. inbound)
end
for _, id in ipairs(redis.call('HKEYS', at .. ':i:' .. session)) do
  if redis.call('HGET', at .. ':n', id) == session then -- and not the new key's already
    redis.call('HDEL', at .. ':n', id)
    redis.call('ZREM', at .. ':u', id)
  end
end
for _, id in ipairs(redis.call('SMEMBERS', at .. ':o:' .. session)) do
  remove(at, read(at, id))
end
redis.call('DEL', at .. ':d:' .. session, at .. ':i:' .. session)
redis.call('HDEL', at .. ':s', session)
redis.call('ZREM', at .. ':x', session)
return 1
