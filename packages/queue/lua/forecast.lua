--[[
  Counts the members of a sorted set between scores. Changes nothing.

  KEYS[1]  sorted set
  ARGV     scores, going up: where each part begins and the one before it ends

  Returns how many are in each part: one number less than there are scores.
]]
local counts = {}
for at = 1, #ARGV - 1 do counts[at] = redis.call('ZCOUNT', KEYS[1], ARGV[at], '(' .. ARGV[at + 1]) end
return counts
