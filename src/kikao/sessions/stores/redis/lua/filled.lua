-- Which partitions have anything of a kind.
--
-- KEYS     the first partition and its guard, which say which server is asked
-- ARGV     how many partitions, their names; what the names of that kind end with
-- Answers  the places of those partitions, from 1

local found, partitions = {}, tonumber(ARGV[1])
for place = 1, partitions do
  if redis.call('EXISTS', ARGV[1 + place] .. ARGV[partitions + 2]) == 1 then
    found[#found + 1] = place
  end
end
return found
