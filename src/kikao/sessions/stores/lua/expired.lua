-- Which partitions have something to sweep.
--
-- KEYS     partitions, each followed by its guard
-- ARGV     now, as sorted sets have it
-- Answers  their places in KEYS, from 1

local found = {}
for place = 1, #KEYS, 2 do
  local at = KEYS[place]
  for _, index in ipairs({':x', ':e', ':z', ':v'}) do
    if #redis.call('ZRANGE', at .. index, '-inf', ARGV[1], 'BYSCORE', 'LIMIT', 0, 1) > 0 then
      found[#found + 1] = place
      break
    end
  end
end
return found
