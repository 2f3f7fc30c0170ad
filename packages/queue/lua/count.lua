--[[
  Counts the timers of a shard, all at one moment. Changes nothing.

  KEYS[1]  wait (list)
  KEYS[2]  active (list)
  KEYS[3]  held (sorted set)
  KEYS[4]  delayed (sorted set)
  KEYS[5..] sorted sets
  ARGV[1]  first part of a job's key
  ARGV[2]  most jobs in hand to look at
  ARGV[3]  now, as a score of delayed: those with this one and below are due

  Returns { how many are in KEYS[3], KEYS[4] and so on, a list; how many of delayed are due; lowest score of delayed, or '';
  lowest score of held, or ''; what `inHand` returns (includes/in-hand.lua) }.
]]
local wait, active, held, delayed = unpack(KEYS)
local sizes = {}
for at = 3, #KEYS do sizes[#sizes + 1] = redis.call('ZCARD', KEYS[at]) end
return {
  sizes,
  redis.call('ZCOUNT', delayed, '-inf', ARGV[3]),
  redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')[2] or '',
  redis.call('ZRANGE', held, 0, 0, 'WITHSCORES')[2] or '',
  inHand(wait, active, held, ARGV[1], 0, tonumber(ARGV[2])),
}
