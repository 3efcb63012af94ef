-- Of a stream: a hash with e (epoch), q (number of the last message) and k (seconds that messages are kept), and a list
-- of when each came and what it is, the oldest first. There is none before the first message. :z is what the partition
-- is called in epochs; see `kikao.live.stores.epochs`.

local P = KEYS[1]

-- The epoch of a stream that has not begun. The name is there for as long as a place that was told with it is good.
local function asked_for(name, remembered)
  local key = P .. ':z'
  local known = redis.call('GET', key)
  if not known then
    known = name
    redis.call('SET', key, known)
  end
  if redis.call('PTTL', key) < remembered * 1000 then
    redis.call('PEXPIRE', key, math.ceil(2 * remembered * 1000))
  end
  return known .. string.format('%06x', math.floor(now() / 3600))
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
