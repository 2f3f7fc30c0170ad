-- Ids of timers. A shard numbers its timers by a counter of its own, and the layout says how the numbers of all shards share
-- out the integers among them; idOf in packages/queue/src/shards/layouts.ts is the same.
--
-- The layout in force is recorded in the shard itself, so that whoever mints follows it in the very step, also a process that
-- knows an older one: '<number>:<from>:<shards>'. Where none is recorded it is the first, of which every process knows the
-- number of shards.

-- How far a counter jumps on a server that was promoted, at least: above all that a failover may have made it forget. Much
-- more than can be handed out in the seconds for which a replica may lag.
local JUMP = 1000000

-- The layout in force: its number, from which id on it holds, its number of shards, the shard, and the key of its counter.
-- `first` is '<shard>:<shards of the first layout>'.
local function layoutOf(base, first)
  local shard, shards = string.match(first, '^(%d+):(%d+)$')
  local number, from = '0', '0'
  local recorded = redis.call('GET', base .. 'layout')
  if recorded then number, from, shards = string.match(recorded, '^(%d+):(%d+):(%d+)$') end
  return number, tonumber(from), tonumber(shards), tonumber(shard), base .. (number == '0' and 'ids' or 'ids:' .. number)
end

-- A replica that was promoted may have missed the last blocks that were handed out: they would be handed out again. What
-- replication the server is in tells one promotion from another; one that was never promoted has no second id.
local function jumpIfPromoted(base, counter)
  local asked, info = pcall(redis.call, 'INFO', 'replication')
  if not asked or type(info) ~= 'string' then return end
  local before = string.match(info, 'master_replid2:(%x+)')
  if not before or string.match(before, '^0+$') then return end
  local now = string.match(info, 'master_replid:(%x+)')
  if redis.call('GET', base .. 'ids:by') == now then return end
  -- By another way each time: where a second one is promoted that has seen nothing of the first, it must land elsewhere.
  redis.call('INCRBY', counter, JUMP + math.floor(tonumber(string.sub(now, 1, 6), 16) / 4))
  redis.call('SET', base .. 'ids:by', now)
end

-- Takes so many numbers of the shard, above `above`, which somebody has had. A counter that is below it has lost its tail: others
-- may have had more of it, so what comes next is far above. Returns the last of the numbers, and the layout.
local function takeNumbers(base, first, count, above)
  local number, from, shards, shard, counter = layoutOf(base, first)
  jumpIfPromoted(base, counter)
  local last = redis.call('INCRBY', counter, count)
  if last - count < above then last = redis.call('INCRBY', counter, above - last + count + JUMP) end
  return last, number, from, shards, shard
end
