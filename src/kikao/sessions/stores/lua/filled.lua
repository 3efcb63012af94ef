-- Which partitions have anything of a kind.
--
-- KEYS     partitions, each followed by its guard
-- ARGV     what the names of that kind end with
-- Answers  their places in KEYS, from 1

local found = {}
for place = 1, #KEYS, 2 do
  if redis.call('EXISTS', KEYS[place] .. ARGV[1]) == 1 then
    found[#found + 1] = place
  end
end
return found
