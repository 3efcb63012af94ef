-- Stores one write, all of it or nothing: whatever can be refused is looked at before anything is changed.
--
-- KEYS[1]  the partition
-- ARGV     1 session
--          2 fence
--          3 the version it expects, 0 for a session that is not there
--          4 '1' to give the lease back, whatever comes of it
--          5 the record from now on
--          6 when it expires, as a sorted set has it
--          7 '' or '+' and the inbound; 8 its dedupe record; 9 when that expires
--          10 how many intents to open, then of each: id, row, when it is due
--          then how many intents to close, then the id of each
--          then how many messages to send, then of each: id, what it is, payload
-- Answers  {'stored'}
--          {'conflict', version and fence that were found}
--          {'taken'} for an intent that is open in another session

local at, session = KEYS[1], ARGV[1]
local fence, expected = struct.unpack('<d', ARGV[2]), struct.unpack('<d', ARGV[3])

if ARGV[4] == '1' then
  local lease = redis.call('HGET', at .. ':l', 'k' .. session)
  if lease and struct.unpack('<d', lease) == fence then
    redis.call('HDEL', at .. ':l', 'k' .. session)
  end
end

local record = redis.call('HGET', at .. ':s', session)
local version, held = 0, 0
if record then
  version, held = struct.unpack('<dd', record)
end
if version ~= expected or fence < held then
  return {'conflict', string.format('%.0f', version), string.format('%.0f', held)}
end

local opening = tonumber(ARGV[10])
local closing_at = 11 + 3 * opening
local closing = tonumber(ARGV[closing_at])
local rows_at = closing_at + closing + 1

for n = 11, closing_at - 1, 3 do
  local owner = redis.call('HGET', at .. ':n', ARGV[n])
  if owner and owner ~= session then return {'taken'} end
end
for n = closing_at + 1, rows_at - 1 do
  local owner = redis.call('HGET', at .. ':n', ARGV[n])
  if owner and owner ~= session then return {'taken'} end
end

redis.call('HSET', at .. ':s', session, ARGV[5])
if ARGV[7] ~= '' then
  local inbound = string.sub(ARGV[7], 2)
  redis.call('HSET', at .. ':d:' .. session, inbound, ARGV[8])
  redis.call('ZADD', at .. ':e', ARGV[9], struct.pack('<I4', #session) .. session .. inbound)
end
for n = closing_at + 1, rows_at - 1 do
  if redis.call('HDEL', at .. ':i:' .. session, ARGV[n]) == 1 then
    redis.call('HDEL', at .. ':n', ARGV[n])
    redis.call('ZREM', at .. ':u', ARGV[n])
  end
end
for n = 11, closing_at - 1, 3 do
  redis.call('HSET', at .. ':i:' .. session, ARGV[n], ARGV[n + 1])
  redis.call('HSET', at .. ':n', ARGV[n], session)
  redis.call('ZADD', at .. ':u', ARGV[n + 2], ARGV[n])
end

-- A session with an open intent is not among those that expire: a sweep never meets it.
if redis.call('EXISTS', at .. ':i:' .. session) == 1 then
  redis.call('ZREM', at .. ':x', session)
else
  redis.call('ZADD', at .. ':x', ARGV[6], session)
end
for n = rows_at + 1, #ARGV, 3 do
  post(at, ARGV[n], ARGV[n + 1], ARGV[n + 2])
end
return {'stored'}
