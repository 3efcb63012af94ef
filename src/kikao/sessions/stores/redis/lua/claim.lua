-- Looks at a session and an inbound, and takes the session if it is free.
--
-- KEYS[1]  the partition
-- ARGV     session, '' or '+' and the inbound, now, lease until, token, '1' to take or '0' only to look
-- Answers  {'seen', dedupe record} of an inbound that was answered
--          {'held', session record or false, lease until}
--          {'free', session record or false} where it was only looked at
--          {'taken', session record or false, fence, '1' if the inbound was consumed, intent id, intent row, ...}

local at, session, inbound = KEYS[1], ARGV[1], ARGV[2]
local now = struct.unpack('<d', ARGV[3])
local consumed = '0'

if inbound ~= '' then
  local seen = redis.call('HGET', at .. ':d:' .. session, string.sub(inbound, 2))
  if seen and struct.unpack('<d', seen) > now then
    if string.byte(seen, 9) == 1 then
      return {'seen', seen}
    end
    consumed = '1'
  end
end

local record = redis.call('HGET', at .. ':s', session)
local leases = redis.call('HMGET', at .. ':l', 'f', 'k' .. session)
local lease, fence = leases[2], nil
if lease then
  local held, until_ = struct.unpack('<dd', lease)
  if string.sub(lease, 17) == ARGV[5] then
    fence = held -- the answer to this very claim was lost, and it is asked again
  elseif until_ > now then
    return {'held', record, string.sub(lease, 9, 16)}
  end
end
if ARGV[6] == '0' then
  return {'free', record}
end

if not fence then
  -- Above every fence given here before; and by the clock above those that a failover forgot.
  local time = redis.call('TIME')
  fence = math.max((tonumber(leases[1]) or 0) + 1, time[1] * 1000000 + time[2])
  redis.call('HSET', at .. ':l', 'f', string.format('%.0f', fence),
    'k' .. session, struct.pack('<d', fence) .. ARGV[4] .. ARGV[5])
end
local found = redis.call('HGETALL', at .. ':i:' .. session)
return {'taken', record, fence, consumed, unpack(found)}
