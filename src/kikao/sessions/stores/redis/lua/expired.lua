-- Which partitions have something to sweep.
--
-- KEYS     the first partition and its guard, which say which server is asked
-- ARGV     how many partitions, their names; now, as sorted sets have it
-- Answers  the places of those partitions, from 1

local found, partitions = {}, tonumber(ARGV[1])
for place = 1, partitions do
  local at = ARGV[1 + place]
  for _, index in ipairs({':x', ':e', ':z', ':v'}) do
    if #redis.call('ZRANGE', at .. index, '-inf', ARGV[partitions + 2], 'BYSCORE', 'LIMIT', 0, 1) > 0 then
      found[#found + 1] = place
      break
    end
  end
end
return found
