-- Seconds, by the server's own clock: those of processes differ.

local function now()
  local time = redis.call('TIME')
  return tonumber(time[1]) + tonumber(time[2]) / 1000000
end

local function keep(key, seconds)
  if redis.call('PTTL', key) < seconds * 1000 then
    redis.call('PEXPIRE', key, math.ceil(seconds * 1000))
  end
end

