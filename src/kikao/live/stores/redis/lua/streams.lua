-- Of a stream: a hash with e (epoch), q (number of the last message) and k (seconds that messages are kept), and a list
-- of when each came and what it is, the oldest first.

local P = KEYS[1]

local function now()
  local time = redis.call('TIME')
  return tonumber(time[1]) + tonumber(time[2]) / 1000000
end

local function keep(key, seconds)
  if redis.call('PTTL', key) < seconds * 1000 then
    redis.call('PEXPIRE', key, math.ceil(seconds * 1000))
  end
end

local function begin(stream, epoch)
  local key, messages = P .. ':s:' .. stream, P .. ':m:' .. stream
  if redis.call('HSETNX', key, 'e', epoch) == 1 then
    redis.call('HSET', key, 'q', '0', 'k', '0')
    redis.call('DEL', messages)
  end
  return key, messages
end

local function trim(messages, seconds)
  local before = now() - seconds
  while true do
    local oldest = redis.call('LINDEX', messages, 0)
    if not oldest or struct.unpack('<d', oldest) > before then
      return
    end
    redis.call('LPOP', messages)
  end
end
