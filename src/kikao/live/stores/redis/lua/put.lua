-- Add an entry, and take another one away with it.
--
-- ARGV     topic, ref, owner, mark, body, the ref of what it replaces or '', epoch if the topic begins
-- Answers  epoch, version, 1 if it was added, the value of what it replaced or ''

local topic, ref, owner, mark, body, replaces, epoch = unpack(ARGV)
local key = begin(topic, epoch)
local added, replaced = 0, false
local found = redis.call('HGET', key, 'r' .. ref)
if not found then
  redis.call('HSET', key, 'r' .. ref, value(0, owner, mark, body))
  own(owner, topic .. ref)
  added = 1
else
  local entry = parts(found)
  if entry.till > 0 or entry.owner ~= owner then
    release(topic, ref, entry)
    redis.call('HSET', key, 'r' .. ref, value(0, owner, entry.mark, entry.body))
    own(owner, topic .. ref)
  end
end
if replaces ~= '' and replaces ~= ref then
  replaced = drop(key, topic, replaces)
end
local version
if added == 1 or replaced then
  version = redis.call('HINCRBY', key, 'v', 1)
else
  version = tonumber(redis.call('HGET', key, 'v'))
end
return {redis.call('HGET', key, 'e'), version, added, replaced or ''}
