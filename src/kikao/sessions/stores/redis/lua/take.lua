-- Leases messages that are the first of their lanes, due, and held by nobody.
--
-- KEYS[1]  the partition
-- ARGV     now, lease until, ids
-- Answers  id, what it is, payload, of each that was leased

local at, now, until_ = KEYS[1], struct.unpack('<d', ARGV[1]), struct.unpack('<d', ARGV[2])
local answer = {}
for n = 3, #ARGV do
  local m = read(at, ARGV[n])
  if m and m.state == WAITING and math.max(m.due_at, m.lease_until) <= now
    and redis.call('LINDEX', at .. ':q:' .. lane_of(m), 0) == m.id then
    m.tries, m.fence, m.lease_until = m.tries + 1, m.fence + 1, until_
    keep(at, m)
    file(at, lane_of(m), m)
    answer[#answer + 1] = m.id
    answer[#answer + 1] = redis.call('HGET', at .. ':m', m.id)
    answer[#answer + 1] = redis.call('HGET', at .. ':y', m.id)
  end
end
return answer
