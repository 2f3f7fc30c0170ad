--[[
  Hands out a block of numbers of a shard, from which ids of timers are made (includes/mint.lua).

  KEYS[1]  any key of the shard
  ARGV[1]  the rest of that key, after what every key of the shard begins with
  ARGV[2]  '<shard>:<shards of the first layout>'
  ARGV[3]  how many
  ARGV[4]  the highest number that the caller has had of the layout in ARGV[5]: a Redis that has lost its tail would hand out the
           same ones again
  ARGV[5]  number of that layout

  Returns { last number of the block, number of the layout in force, from which id on it holds, its number of shards }
]]
local base = string.sub(KEYS[1], 1, -1 - #ARGV[1])
local number = layoutOf(base, ARGV[2])
local above = number == ARGV[5] and tonumber(ARGV[4]) or 0
local last, layout, from, shards = takeNumbers(base, ARGV[2], tonumber(ARGV[3]), above)
return { last, tonumber(layout), string.format('%.0f', from), shards }
