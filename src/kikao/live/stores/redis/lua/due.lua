-- Take away what was held for long enough.
--
-- ARGV     how many, at most
-- Answers  the changes, see `drop_all`; and who has anything here

local places = redis.call('ZRANGEBYSCORE', P .. ':h', '-inf', now(), 'LIMIT', 0, ARGV[1])
if #places > 0 then
  redis.call('ZREM', P .. ':h', unpack(places))
end
return {drop_all(places), redis.call('SMEMBERS', P .. ':n')}
