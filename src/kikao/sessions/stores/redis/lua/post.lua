-- Stores messages outside of a turn. Answers how many were new.
--
-- KEYS[1]  the partition
-- ARGV     id, what it is, payload, of each

local new = 0
for n = 1, #ARGV, 3 do
  new = new + post(KEYS[1], ARGV[n], ARGV[n + 1], ARGV[n + 2])
end
return new
