-- Hold all that an owner has in this partition.
--
-- ARGV     owner, seconds

for _, place in ipairs(redis.call('SMEMBERS', P .. ':o:' .. ARGV[1])) do
  local topic, ref = string.sub(place, 1, SIZE), string.sub(place, SIZE + 1)
  local key = P .. ':t:' .. topic
  local found = redis.call('HGET', key, 'r' .. ref)
  if found then
    hold(key, topic, ref, parts(found), tonumber(ARGV[2]))
  else
    redis.call('SREM', P .. ':o:' .. ARGV[1], place)
  end
end
