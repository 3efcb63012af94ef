-- Make an entry that is held somebody's.
--
-- ARGV     topic, mark, owner
-- Answers  ref and value as it was, or nothing

local topic, mark, owner = unpack(ARGV)
local key, waiting = P .. ':t:' .. topic, P .. ':w:' .. topic
local found = redis.call('ZRANGEBYLEX', waiting, '[' .. mark, '(' .. mark .. '\255', 'LIMIT', 0, 1)[1]
if not found then
  return false
end
local ref = string.sub(found, SIZE + 1)
local known = redis.call('HGET', key, 'r' .. ref)
local entry = parts(known)
release(topic, ref, entry)
redis.call('HSET', key, 'r' .. ref, value(0, owner, entry.mark, entry.body))
own(owner, topic .. ref)
return {ref, known}
