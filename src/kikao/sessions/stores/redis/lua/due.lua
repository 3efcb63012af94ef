-- Open intents whose lease has lapsed and whose time has come, the oldest first.
--
-- KEYS     the first partition and its guard, which say which server is asked
-- ARGV     how many partitions, their names;
--          now, as sorted sets have it; now; how many of each partition
-- Answers  session, intent id, intent row, ...

local partitions = tonumber(ARGV[1])
local moment, limit = ARGV[partitions + 2], tonumber(ARGV[partitions + 4])
local now = struct.unpack('<d', ARGV[partitions + 3])
local answer = {}
for n = 1, partitions do
  local at, found, place = ARGV[1 + n], 0, 0
  -- Those that somebody works on are stepped over: they are as many as there are effects at work.
  while found < limit do
    local ids = redis.call('ZRANGE', at .. ':u', '-inf', moment, 'BYSCORE', 'LIMIT', place, limit)
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
