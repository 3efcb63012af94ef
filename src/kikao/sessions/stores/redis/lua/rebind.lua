-- Sets a property that has the value that is expected. Answers 1 or 0.
--
-- KEYS[1]  the partition of the properties
-- ARGV     name, the value it has, the value it gets

if redis.call('HGET', KEYS[1] .. ':b', ARGV[1]) ~= ARGV[2] then
  return 0
end
redis.call('HSET', KEYS[1] .. ':b', ARGV[1], ARGV[3])
return 1
