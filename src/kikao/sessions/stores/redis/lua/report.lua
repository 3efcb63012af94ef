-- Raises the status of a message that was sent.
--
-- KEYS[1]  the partition
-- ARGV     id, reference, status
-- Answers  'raised', 'old' or 'unknown'

local at, m = KEYS[1], read(KEYS[1], ARGV[1])
if not m or m.state ~= SENT or m.reference ~= ARGV[2] then
  return 'unknown'
end
local status = tonumber(ARGV[3])
if m.status >= status then
  return 'old'
end
m.status = status
keep(at, m)
return 'raised'
