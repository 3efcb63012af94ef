-- All of a topic.
--
-- ARGV     topic, epoch if it begins
-- Answers  its fields in turn

return redis.call('HGETALL', begin(ARGV[1], ARGV[2]))
