--[[
  Counts the timers of a shard, all at one moment. Changes nothing.

  KEYS[1]  wait (list)
  KEYS[2]  active (list)
  KEYS[3]  outbox (sorted set)
  KEYS[4]  held (sorted set)
  KEYS[5]  delayed (sorted set)
  KEYS[6]  completed (sorted set)
  KEYS[7]  cancelled (sorted set)
  KEYS[8]  failed (sorted set)
  KEYS[9]  unknown (sorted set)
  KEYS[10] expired (sorted set)
  ARGV[1]  first part of a job's key
  ARGV[2]  most jobs in hand to look at
  ARGV[3]  now, as a score of delayed: those with this one and below are due

  Returns { how many are in KEYS[3] to KEYS[10], a list; how many of delayed are due; lowest score of delayed, or '';
  lowest score of held, or ''; what `inHand` returns (includes/in-hand.lua) }.
]]
local sizes = {}
for at = 3, 10 do sizes[#sizes + 1] = redis.call('ZCARD', KEYS[at]) end
return {
  sizes,
  redis.call('ZCOUNT', KEYS[5], '-inf', ARGV[3]),
  redis.call('ZRANGE', KEYS[5], 0, 0, 'WITHSCORES')[2] or '',
  redis.call('ZRANGE', KEYS[4], 0, 0, 'WITHSCORES')[2] or '',
  inHand(KEYS[1], KEYS[2], KEYS[3], KEYS[4], ARGV[1], 0, tonumber(ARGV[2])),
}
