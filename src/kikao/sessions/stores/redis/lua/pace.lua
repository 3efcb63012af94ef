-- Asks to send one more under a name: the generic cell rate algorithm.
--
-- KEYS[1]  the partition of the name
-- ARGV     name, now, interval, burst
-- Answers  the seconds to wait, 0 where it is granted

local at = KEYS[1] .. ':p:' .. ARGV[1]
local now, interval = struct.unpack('<d', ARGV[2]), struct.unpack('<d', ARGV[3])
local kept = redis.call('HMGET', at, 'paused', 'next')
local paused = kept[1] and struct.unpack('<d', kept[1]) or 0
if paused > now then
  return struct.pack('<d', paused - now)
end
if interval <= 0 then
  return struct.pack('<d', 0)
end
local due = math.max(kept[2] and struct.unpack('<d', kept[2]) or 0, now)
local early = due - now - interval * (math.max(tonumber(ARGV[4]), 1) - 1)
if early > 0 then
  return struct.pack('<d', early)
end
redis.call('HSET', at, 'next', struct.pack('<d', due + interval))
-- Once it could be granted anew it says nothing any more; a minute for clocks that differ.
redis.call('PEXPIRE', at, math.ceil((math.max(due + interval, paused) - now) * 1000) + 60000)
return struct.pack('<d', 0)
