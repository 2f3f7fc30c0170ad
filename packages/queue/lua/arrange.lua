--[[
  Puts finished timers of formats 1 and 2, which lie in the order in which they finished, where they lie in format 3:
  completed and failed by due time, `unknown` ones in a set of their own too, and all in the list of ends. Does nothing to
  one that lies right, so it may run twice.

  KEYS[1]  completed or failed (sorted set)
  ARGV[1]  its name
  ARGV[2]  from which score on, as ZRANGEBYSCORE has it
  ARGV[3]  most to look at: a bounded time for Redis

  Returns { how many it looked at, how many it moved, the last score }.
]]
local set = KEYS[1]
local base = baseOf(set, ARGV[1])
local found = redis.call('ZRANGEBYSCORE', set, ARGV[2], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[3])
local moved = 0
for at = 1, #found, 2 do
  local id, score = found[at], found[at + 1]
  local due, status, ended = unpack(redis.call('HMGET', base .. id, 'du', 'st', 'finishedOn'))
  if not due then
    redis.call('ZREM', set, id)
  elseif tonumber(due) ~= tonumber(score) then
    redis.call('RPUSH', base .. 'finished', id .. ':' .. (ended or score))
    redis.call('ZADD', set, due, id)
    if status == 'unknown' then redis.call('ZADD', base .. 'unknown', due, id) end
    moved = moved + 1
  end
end
return { #found / 2, moved, found[#found] or '' }
