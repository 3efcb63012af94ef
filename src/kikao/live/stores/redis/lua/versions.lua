-- ARGV     topics
-- Answers  epoch and version of each, '' for both where it is unknown

local answer = {}
for _, topic in ipairs(ARGV) do
  local found = redis.call('HMGET', KEYS[1] .. ':t:' .. topic, 'e', 'v')
  answer[#answer + 1] = found[1] or ''
  answer[#answer + 1] = found[2] or ''
end
return answer
