-- Removes dead messages. Answers how many there were.
--
-- KEYS[1]  the partition
-- ARGV     ids

local discarded = 0
for _, id in ipairs(ARGV) do
  local m = read(KEYS[1], id)
  if m and m.state == DEAD then
    remove(KEYS[1], m)
    discarded = discarded + 1
  end
end
return discarded
