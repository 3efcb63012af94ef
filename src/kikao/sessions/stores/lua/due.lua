-- Open intents whose lease has lapsed and whose time has come, the oldest first.
--
-- KEYS     partitions, each followed by its guard
-- ARGV     now, as sorted sets have it; now; how many of each partition
-- Answers  session, intent id, intent row, ...

local now, limit = struct.unpack('<d', ARGV[2]), tonumber(ARGV[3])
local answer = {}
for n = 1, #KEYS, 2 do
  local at, found, place = KEYS[n], 0, 0
  -- Those that somebody works on are stepped over: they are as many as there are effects at work.
  while found < limit do
    local ids = redis.call('ZRANGE', at .. ':u', '-inf', ARGV[1], 'BYSCORE', 'LIMIT', place, limit)
    for _, id in ipairs(ids) do
      local session = redis.call('HGET', at .. ':n', id)
      local row = redis.call('HGET', at .. ':i:' .. session, id)
      local _, until_ = struct.unpack('<dd', row)
      if until_ <= now and found < limit then
        found = found + 1
        answer[#answer + 1] = session
        answer[#answer + 1] = id
        answer[#answer + 1] = row
      end
    end
    place = place + #ids
    if #ids < limit then break end
  end
end
return answer
