--[[
  Makes a shard follow a layout (includes/follow.lua): its next ids are of that one, and words that have their home elsewhere in
  it are taken here no more.

  KEYS[1]  the shard's layout
  ARGV[1]  '<number>:<from>:<shards>'

  Returns the layout that it follows now, in the same form. Where it did before, that is written once more: replicas are to confirm
  this answer, too (includes/again.lua).
]]
local layout = follow(baseOf(KEYS[1], 'layout'), ARGV[1])
redis.call('SET', KEYS[1], layout)
return layout
