--[[
  Bounds the numbers that a shard hands out in the layout that it follows (ids.lua): the next layout begins above all of them.
  What was set before stands, however often it is asked for, and is written once more: replicas are to confirm this answer, too
  (includes/again.lua).

  KEYS[1]  the shard's layout
  ARGV[1]  '<shard>:<shards of the first layout>'
  ARGV[2]  number of the layout that the caller takes to be in force
  ARGV[3]  how far the end is from the last number that was handed out
  ARGV[4]  how far ids may go beyond the end: those of callbacks, which cannot wait, and what a promoted server jumps

  Returns { number of the layout in force, the last number that the next layout is to be above }; 0 where another one is in
  force than the caller takes for it: nothing is done then.
]]
local base = baseOf(KEYS[1], 'layout')
local number, _, _, _, counter = layoutOf(base, ARGV[1])
if number ~= ARGV[2] then return { tonumber(number), 0 } end
local last = redis.call('GET', base .. 'ids:end')
if not last then
  jumpIfPromoted(base, counter)
  last = string.format('%.0f', tonumber(redis.call('GET', counter) or 0) + ARGV[3])
end
redis.call('SET', base .. 'ids:end', last)
return { tonumber(number), tonumber(last) + ARGV[4] }
