-- Where finished timers are. They lie among BullMQ's completed or failed ones, by due time; those that are not simply
-- fired or failed in a set of their own beside it. `finished` has them in the order in which they came to their end, for
-- the sweep that removes them after their retention. How one is taken out of there again: unfinish.lua.

-- Puts a timer that has come to its end where it belongs. It is on no other list or set by now, or about to leave it.
-- `callback`: whether it is one: then it is gone when it was delivered, and no timer's end otherwise.
local function finish(base, id, status, now, due, callback)
  if callback and status == 'fired' then
    redis.call('ZREM', base .. 'outbox', id)
    redis.call('DEL', base .. id)
    return
  end
  redis.call('ZADD', base .. ((status == 'fired' or status == 'cancelled') and 'completed' or 'failed'), due, id)
  if callback then
    redis.call('ZADD', base .. 'undelivered', due, id)
  elseif status ~= 'fired' and status ~= 'failed' then
    redis.call('ZADD', base .. status, due, id)
  end
  redis.call('RPUSH', base .. 'finished', id .. ':' .. now)
end
