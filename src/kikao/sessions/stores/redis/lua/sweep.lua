-- Removes, a few at a time, what has expired: sessions that nobody holds, dedupe records, messages, references to them,
-- and leases of turns that died.
--
-- KEYS[1]  the partition
-- ARGV     now, as sorted sets have it; now; how many of each; how many sessions to step over, since they are held
-- Answers  {sessions removed, sessions stepped over in all, '1' if there is more}

local at, now, limit, over = KEYS[1], struct.unpack('<d', ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])

local sessions = redis.call('ZRANGE', at .. ':x', '-inf', ARGV[1], 'BYSCORE', 'LIMIT', over, limit)
local removed = 0
for _, session in ipairs(sessions) do
  local lease = redis.call('HGET', at .. ':l', 'k' .. session)
  local held, until_
  if lease then
    held, until_ = struct.unpack('<dd', lease)
  end
  if lease and until_ > now then
    over = over + 1
  else
    redis.call('HDEL', at .. ':s', session)
    redis.call('ZREM', at .. ':x', session)
    removed = removed + 1
  end
end

-- `limit` is 0 where all sessions that may go have gone, and dedupe records are left.
local most = math.max(limit, 100)
local seen = redis.call('ZRANGE', at .. ':e', '-inf', ARGV[1], 'BYSCORE', 'LIMIT', 0, most)
for _, pair in ipairs(seen) do
  local length = struct.unpack('<I4', pair)
  redis.call('HDEL', at .. ':d:' .. string.sub(pair, 5, 4 + length), string.sub(pair, 5 + length))
  redis.call('ZREM', at .. ':e', pair)
end

local gone = redis.call('ZRANGE', at .. ':z', '-inf', ARGV[1], 'BYSCORE', 'LIMIT', 0, most)
for _, id in ipairs(gone) do
  remove(at, read(at, id))
end

local references = redis.call('ZRANGE', at .. ':v', '-inf', ARGV[1], 'BYSCORE', 'LIMIT', 0, most)
for _, reference in ipairs(references) do
  redis.call('HDEL', at .. ':r', reference)
  redis.call('ZREM', at .. ':v', reference)
end

local leases = redis.call('HSCAN', at .. ':l', 0, 'COUNT', 50)[2]
for n = 1, #leases, 2 do
  if leases[n] ~= 'f' then
    local _, until_ = struct.unpack('<dd', leases[n + 1])
    if until_ <= now then
      redis.call('HDEL', at .. ':l', leases[n])
    end
  end
end

local more = '0'
if #seen == most or #gone == most or #references == most or (limit > 0 and #sessions == limit) then more = '1' end
return {removed, over, more}
