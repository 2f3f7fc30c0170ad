--[[
  Puts finished timers of formats 1 and 2, which lie in the order in which they finished, where they lie in format 3:
  completed and failed by due time, `unknown` ones in a set of their own too, and all in a list of ends: one for each of
  the two sets, because `finished` has later ones already and must stay in order. May run twice: one that is in the list
  of ends twice is swept once.

  KEYS[1]  completed or failed (sorted set)
  ARGV[1]  its name
  ARGV[2]  from which score on, as ZRANGEBYSCORE has it
  ARGV[3]  most to look at: a bounded time for Redis

  Returns { how many it looked at, how many got another score, the last score }.
]]
local set = KEYS[1]
local base = baseOf(set, ARGV[1])
local found = redis.call('ZRANGEBYSCORE', set, ARGV[2], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[3])
local moved = 0
for at = 1, #found, 2 do
  local id, score = found[at], found[at + 1]
  local created, opts, due, status, ended = unpack(redis.call('HMGET', base .. id,
    'timestamp', 'opts', 'du', 'st', 'finishedOn'))
  if not created then
    redis.call('ZREM', set, id)
  else
    due = due or dueBefore(created, opts)
    local isElsewhere = tonumber(due) ~= tonumber(score)
    -- One that ended in the millisecond in which it was due has the same score in all formats.
    if isElsewhere or ended == due then
      redis.call('RPUSH', base .. 'finished:' .. ARGV[1], id .. ':' .. (ended or score))
      if status == 'unknown' then redis.call('ZADD', base .. 'unknown', due, id) end
    end
    if isElsewhere then
      redis.call('ZADD', set, due, id)
      moved = moved + 1
    end
  end
end
return { #found / 2, moved, found[#found] or '' }
