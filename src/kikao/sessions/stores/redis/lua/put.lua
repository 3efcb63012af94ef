-- Puts a session that comes from another key in the place of whatever stands there, behind messages of other ids.
--
-- KEYS[1]  the partition
-- ARGV     1 session, 2 fence, 3 record, 4 when it expires, as a sorted set has it
--          5 how many dedupe records, then of each: inbound, record, when it expires
--          then how many intents, then of each: id, row, when it is due
--          then how many messages, then of each: id, what it is, payload

local at, session, n = KEYS[1], ARGV[1], 5
local prefix = struct.pack('<I4', #session) .. session

local function each(visit)
  local last = n + 3 * tonumber(ARGV[n])
  for place = n + 1, last, 3 do
    visit(ARGV[place], ARGV[place + 1], ARGV[place + 2])
  end
  n = last + 1
end

for _, inbound in ipairs(redis.call('HKEYS', at .. ':d:' .. session)) do
  redis.call('ZREM', at .. ':e', prefix .. inbound)
end
for _, id in ipairs(redis.call('HKEYS', at .. ':i:' .. session)) do
  redis.call('HDEL', at .. ':n', id)
  redis.call('ZREM', at .. ':u', id)
end
redis.call('DEL', at .. ':d:' .. session, at .. ':i:' .. session)

redis.call('HSET', at .. ':s', session, ARGV[3])
each(function(inbound, seen, expires_at)
  redis.call('HSET', at .. ':d:' .. session, inbound, seen)
  redis.call('ZADD', at .. ':e', expires_at, prefix .. inbound)
end)
each(function(id, row, due_at)
  redis.call('HSET', at .. ':i:' .. session, id, row)
  redis.call('HSET', at .. ':n', id, session)
  redis.call('ZADD', at .. ':u', due_at, id)
end)
if redis.call('EXISTS', at .. ':i:' .. session) == 1 then
  redis.call('ZREM', at .. ':x', session)
else
  redis.call('ZADD', at .. ':x', ARGV[4], session)
end

each(function(id, value, payload)
  local there = read(at, id)
  if there and there.session == session then
    return -- a move that was cut short has brought it
  end
  if there then
    remove(at, there) -- from the old key in the same partition
  end
  redis.call('HSET', at .. ':m', id, value)
  redis.call('HSET', at .. ':y', id, payload)
  redis.call('SADD', at .. ':o:' .. session, id)
  local m = read(at, id)
  if m.state == WAITING then
    queue(at, m)
  else
    redis.call('ZADD', at .. ':z', score(m.expires_at), id)
    if m.state == DEAD then count_dead(at, m, 1) end
  end
end)

-- Fences go on from that of the session.
local last = tonumber(redis.call('HGET', at .. ':l', 'f') or '0')
local fence = struct.unpack('<d', ARGV[2])
if fence > last then
  redis.call('HSET', at .. ':l', 'f', string.format('%.0f', fence))
end
return 1
