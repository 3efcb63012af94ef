-- What became of a message that was taken. Answers 1, or 0 where somebody else has it by now.
--
-- KEYS[1]  the partition
-- ARGV     id, fence, 'sent', keep until, reference
--          id, fence, 'again', due at, reason, '1' if it was a try
--          id, fence, 'dead', keep until, reason

local at, m = KEYS[1], read(KEYS[1], ARGV[1])
if not m or m.state ~= WAITING or m.fence ~= struct.unpack('<d', ARGV[2]) then
  return 0
end
local when = struct.unpack('<d', ARGV[4])
m.lease_until = 0
if ARGV[3] == 'again' then
  m.due_at, m.reason = when, ARGV[5]
  if ARGV[6] ~= '1' then m.tries = m.tries - 1 end
  keep(at, m)
  if redis.call('LINDEX', at .. ':q:' .. lane_of(m), 0) == m.id then
    file(at, lane_of(m), m)
  end
  return 1
end
leave(at, m)
m.expires_at = when
if ARGV[3] == 'sent' then
  m.state, m.status, m.reason, m.reference = SENT, 10, '', ARGV[5]
else
  m.state, m.reason = DEAD, ARGV[5]
  count_dead(at, m, 1)
end
keep(at, m)
redis.call('ZADD', at .. ':z', score(when), m.id)
return 1
