-- Says that a worker is alive, and gives it its fair share of the shards: what it has, and what is free. Nothing is
-- taken from anybody.
--
-- KEYS[1]  the partition of the workers
-- ARGV     worker, now, until, how many shards there are
-- Answers  how many workers there are, then the worker's shards

local at, now, shards = KEYS[1] .. ':g', struct.unpack('<d', ARGV[2]), tonumber(ARGV[4])
local kept = redis.call('HGETALL', at)
local names, taken, own = {ARGV[1]}, {}, {}
for n = 1, #kept, 2 do
  if kept[n] == ARGV[1] then
    own = {string.byte(kept[n + 1], 9, -1)}
  elseif struct.unpack('<d', kept[n + 1]) <= now then
    redis.call('HDEL', at, kept[n])
  else
    names[#names + 1] = kept[n]
    for _, shard in ipairs({string.byte(kept[n + 1], 9, -1)}) do taken[shard] = true end
  end
end

-- Shares differ by one at most: the first in the alphabet have one more.
table.sort(names)
local fair = math.floor(shards / #names)
for place, name in ipairs(names) do
  if name == ARGV[1] and place <= shards % #names then fair = fair + 1 end
end

local mine = {}
for _, shard in ipairs(own) do
  if #mine < fair and not taken[shard] then
    mine[#mine + 1] = shard
    taken[shard] = true
  end
end
for shard = 0, shards - 1 do
  if #mine < fair and not taken[shard] then
    mine[#mine + 1] = shard
  end
end
table.sort(mine)
redis.call('HSET', at, ARGV[1], ARGV[3] .. string.char(unpack(mine)))
return {#names, unpack(mine)}
