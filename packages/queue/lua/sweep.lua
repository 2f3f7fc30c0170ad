--[[
  Removes finished timers that are past their retention, the oldest first, with all that belongs to them.

  KEYS[1]  completed or failed (sorted set, by the time at which they finished)
  ARGV[1]  finished before this are removed, epoch ms
  ARGV[2]  most to remove: a bounded time for Redis
  ARGV[3]  first part of a job's key

  Returns how many went.
]]
local set = KEYS[1]
local ids = redis.call('ZRANGEBYSCORE', set, '-inf', '(' .. ARGV[1], 'LIMIT', 0, ARGV[2])
if #ids == 0 then return 0 end
local keys = {}
for at, id in ipairs(ids) do keys[at] = ARGV[3] .. id end
redis.call('DEL', unpack(keys))
redis.call('ZREM', set, unpack(ids))
return #ids
