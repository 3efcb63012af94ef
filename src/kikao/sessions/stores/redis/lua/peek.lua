-- The first messages of lanes that may be taken now, in each partition the most urgent, and of those the oldest.
--
-- KEYS     the first partition and its guard, which say which server is asked
-- ARGV     how many partitions, their names;
--          now, as sorted sets have it; how many of each partition; destinations
-- Answers  the place of the partition, from 1, id, urgency, due_at, of each

local partitions = tonumber(ARGV[1])
local wanted = {}
for n = partitions + 4, #ARGV do wanted[ARGV[n]] = true end

local answer = {}
for place = 1, partitions do
  local at, left = ARGV[1 + place], tonumber(ARGV[partitions + 3])
  local kinds = redis.call('SMEMBERS', at .. ':w')
  table.sort(kinds) -- an urgency is one digit, and comes first
  for _, kind in ipairs(kinds) do
    if left > 0 and wanted[string.sub(kind, 3)] then
      local lanes = redis.call('ZRANGE', at .. ':w:' .. kind, '-inf', ARGV[partitions + 2], 'BYSCORE', 'LIMIT', 0, left)
      for _, lane in ipairs(lanes) do
        local id = redis.call('LINDEX', at .. ':q:' .. lane, 0)
        local m = read(at, id)
        answer[#answer + 1] = place
        answer[#answer + 1] = id
        answer[#answer + 1] = m.urgency
        answer[#answer + 1] = struct.pack('<d', m.due_at)
        left = left - 1
      end
    end
  end
end
return answer
