-- Puts dead messages back, behind what waits. Answers how many were dead.
--
-- KEYS[1]  the partition
-- ARGV     now, expires at, ids

local at, replayed = KEYS[1], 0
for n = 3, #ARGV do
  local m = read(at, ARGV[n])
  if m and m.state == DEAD then
    count_dead(at, m, -1)
    m.state, m.tries, m.reason = WAITING, 0, ''
    m.due_at, m.posted_at, m.expires_at = struct.unpack('<d', ARGV[1]), struct.unpack('<d', ARGV[1]), struct.unpack('<d', ARGV[2])
    keep(at, m)
    queue(at, m)
    replayed = replayed + 1
  end
end
return replayed
