-- KEYS: the partition and its guard. Keys of a partition, which all begin with its name:
--   :t:<topic>    a hash: e (epoch), v (version), and r<ref> for each entry, see `value`
--   :w:<topic>    a sorted set of what is held in a topic: <mark><ref>, in the order of their octets
--   :h            a sorted set of everything held: <topic><ref> by when that ends
--   :n            the owners (a node and one of its leases) that have anything here
--   :o:<owner>    what each has: <topic><ref>
--   :l:<node>     the lease of a node, while it lives
-- Topics and marks are 32 characters. Every key has a time to live; that of what is in use is made longer in time.

local P = KEYS[1]
local SIZE = 32
local KEPT = 3600

local function value(till, owner, mark, body)
  return struct.pack('<d', till) .. owner .. '\n' .. mark .. body
end

local function parts(found)
  local stop = string.find(found, '\n', 9, true)
  return {
    till = struct.unpack('<d', found),
    owner = string.sub(found, 9, stop - 1),
    mark = string.sub(found, stop + 1, stop + SIZE),
    body = string.sub(found, stop + SIZE + 1),
  }
end

local function begin(topic, epoch)
  local key = P .. ':t:' .. topic
  if redis.call('HSETNX', key, 'e', epoch) == 1 then
    redis.call('HSET', key, 'v', '0')
    redis.call('DEL', P .. ':w:' .. topic)
  end
  keep(key, KEPT)
  return key
end

local function own(owner, place)
  redis.call('SADD', P .. ':o:' .. owner, place)
  redis.call('SADD', P .. ':n', owner)
  keep(P .. ':o:' .. owner, KEPT)
  keep(P .. ':n', KEPT)
end

-- It is neither its node's nor held any more.
local function release(topic, ref, entry)
  local place = topic .. ref
  if entry.till > 0 then
    redis.call('ZREM', P .. ':h', place)
    redis.call('ZREM', P .. ':w:' .. topic, entry.mark .. ref)
  else
    local key = P .. ':o:' .. entry.owner
    redis.call('SREM', key, place)
    if redis.call('EXISTS', key) == 0 then
      redis.call('SREM', P .. ':n', entry.owner)
    end
  end
end

local function hold(key, topic, ref, entry, seconds)
  local till = now() + seconds
  release(topic, ref, entry)
  redis.call('HSET', key, 'r' .. ref, value(till, entry.owner, entry.mark, entry.body))
  redis.call('ZADD', P .. ':h', till, topic .. ref)
  redis.call('ZADD', P .. ':w:' .. topic, 0, entry.mark .. ref)
  for _, each in ipairs({key, P .. ':h', P .. ':w:' .. topic}) do
    keep(each, KEPT + seconds)
  end
end

-- The entry's value, which is gone now; false where there was none.
local function drop(key, topic, ref)
  local found = redis.call('HGET', key, 'r' .. ref)
  if found then
    redis.call('HDEL', key, 'r' .. ref)
    release(topic, ref, parts(found))
  end
  return found
end

-- Drop what is at these places: topic, epoch, version, ref and value in turn of each topic.
local function drop_all(places)
  local changes, by_topic = {}, {}
  for _, place in ipairs(places) do
    local topic, ref = string.sub(place, 1, SIZE), string.sub(place, SIZE + 1)
    local key = P .. ':t:' .. topic
    local found = drop(key, topic, ref)
    if found then
      if not by_topic[topic] then
        by_topic[topic] = {topic, redis.call('HGET', key, 'e'), redis.call('HINCRBY', key, 'v', 1), {}}
        changes[#changes + 1] = by_topic[topic]
        keep(key, KEPT)
      end
      local leaves = by_topic[topic][4]
      leaves[#leaves + 1] = ref
      leaves[#leaves + 1] = found
    end
  end
  return changes
end
