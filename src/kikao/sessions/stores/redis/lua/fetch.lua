-- All that belongs to a session, to take it to another partition.
--
-- KEYS[1]  the partition
-- ARGV     session
-- Answers  {record or false, {inbound, dedupe record, ...}, {intent id, intent row, ...},
--           {id, what it is, payload, ...} those that wait in the order of their lanes}

local at, session = KEYS[1], ARGV[1]
local lanes, found, waiting = {}, {}, {}
for _, id in ipairs(redis.call('SMEMBERS', at .. ':o:' .. session)) do
  local m = read(at, id)
  if m.state == WAITING then
    lanes[lane_of(m)] = true
  else
    found[#found + 1] = id
  end
end
for lane in pairs(lanes) do
  for _, id in ipairs(redis.call('LRANGE', at .. ':q:' .. lane, 0, -1)) do
    found[#found + 1] = id
  end
end
local messages = {}
for _, id in ipairs(found) do
  messages[#messages + 1] = id
  messages[#messages + 1] = redis.call('HGET', at .. ':m', id)
  messages[#messages + 1] = redis.call('HGET', at .. ':y', id)
end
return {
  redis.call('HGET', at .. ':s', session),
  redis.call('HGETALL', at .. ':d:' .. session),
  redis.call('HGETALL', at .. ':i:' .. session),
  messages,
}
