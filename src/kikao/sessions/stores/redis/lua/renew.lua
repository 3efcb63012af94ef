-- Moves the lease of the open intents of a session that still carry a fence. Answers how many.
--
-- KEYS[1]  the partition
-- ARGV     session, fence, lease until, intent id, ...

local intents, renewed = KEYS[1] .. ':i:' .. ARGV[1], 0
for n = 4, #ARGV do
  local row = redis.call('HGET', intents, ARGV[n])
  if row and string.sub(row, 1, 8) == ARGV[2] then
    redis.call('HSET', intents, ARGV[n], ARGV[2] .. ARGV[3] .. string.sub(row, 17))
    renewed = renewed + 1
  end
end
return renewed
