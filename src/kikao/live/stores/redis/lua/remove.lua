-- Take entries of a topic away.
--
-- ARGV     topic, refs
-- Answers  epoch, version, ref and value in turn; or nothing where none was there

local places = {}
for n = 2, #ARGV do
  places[#places + 1] = ARGV[1] .. ARGV[n]
end
local change = drop_all(places)[1]
return change and {change[2], change[3], change[4]}
