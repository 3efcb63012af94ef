-- What waits and what is dead.
--
-- KEYS     the first partition and its guard, which say which server is asked
-- ARGV     how many partitions, their names
-- Answers  destination, waiting, dead, since when the oldest waits or '', of each destination of each partition

local answer = {}
for place = 1, tonumber(ARGV[1]) do
  local at, found = ARGV[1 + place], {}
  local function of(to)
    found[to] = found[to] or {waiting = 0, dead = 0}
    return found[to]
  end
  for _, kind in ipairs(redis.call('SMEMBERS', at .. ':w')) do
    local told = of(string.sub(kind, 3))
    for _, lane in ipairs(redis.call('ZRANGE', at .. ':w:' .. kind, 0, -1)) do
      local ids = redis.call('LRANGE', at .. ':q:' .. lane, 0, -1)
      for _, id in ipairs(ids) do
        local posted_at = read(at, id).posted_at
        told.waiting = told.waiting + 1
        told.oldest = math.min(told.oldest or posted_at, posted_at)
      end
    end
  end
  local dead = redis.call('HGETALL', at .. ':c')
  for n = 1, #dead, 2 do
    of(dead[n]).dead = tonumber(dead[n + 1])
  end
  for to, told in pairs(found) do
    answer[#answer + 1] = to
    answer[#answer + 1] = told.waiting
    answer[#answer + 1] = told.dead
    answer[#answer + 1] = told.oldest and struct.pack('<d', told.oldest) or ''
  end
end
return answer
