-- What an owner has in this partition is not forgotten.
--
-- ARGV     owner

for _, place in ipairs(redis.call('SMEMBERS', P .. ':o:' .. ARGV[1])) do
  keep(P .. ':t:' .. string.sub(place, 1, SIZE), KEPT)
end
keep(P .. ':o:' .. ARGV[1], KEPT)
keep(P .. ':n', KEPT)
