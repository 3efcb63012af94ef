-- The first messages of lanes that may be taken now, in each partition the most urgent, and of those the oldest.
--
-- KEYS     partitions, each followed by its guard
-- ARGV     now, as sorted sets have it; how many of each partition; destinations
-- Answers  place of the partition in KEYS, id, urgency, due_at, of each

local wanted = {}
for n = 3, #ARGV do wanted[ARGV[n]] = true end

local answer = {}
for place = 1, #KEYS, 2 do
  local at, left = KEYS[place], tonumber(ARGV[2])
  local kinds = redis.call('SMEMBERS', at .. ':w')
  table.sort(kinds) -- an urgency is one digit, and comes first
  for _, kind in ipairs(kinds) do
    if left > 0 and wanted[string.sub(kind, 3)] then
      for _, lane in ipairs(redis.call('ZRANGE', at .. ':w:' .. kind, '-inf', ARGV[1], 'BYSCORE', 'LIMIT', 0, left)) do
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
