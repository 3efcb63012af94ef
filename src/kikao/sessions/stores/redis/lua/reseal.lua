-- Seals a session anew under its key. Answers 1, or 0 where it is another by now.
--
-- KEYS[1]  the partition
-- ARGV     session, version, fence, length and text of the new address and state; then inbound, new reply, of each

local at, session = KEYS[1], ARGV[1]
local record = redis.call('HGET', at .. ':s', session)
if not record or string.sub(record, 1, 16) ~= ARGV[2] .. ARGV[3] then
  return 0
end
redis.call('HSET', at .. ':s', session, string.sub(record, 1, 24) .. ARGV[4])
for n = 5, #ARGV, 2 do
  local seen = redis.call('HGET', at .. ':d:' .. session, ARGV[n])
  if seen and string.byte(seen, 9) == 1 then
    redis.call('HSET', at .. ':d:' .. session, ARGV[n], string.sub(seen, 1, 9) .. ARGV[n + 1])
  end
end
return 1
