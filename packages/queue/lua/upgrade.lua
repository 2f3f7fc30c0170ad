--[[
  Brings a timer of format 1 (release 0.1) or 2 into format 3. Does nothing to one that is in format 3, so it may run
  twice, and while the timer is being worked on. Where finished ones lie is for arrange.lua.

  KEYS[1]  the job's hash
  ARGV[1]  its data as it was read
  ARGV[2]  the same in format 3
  ARGV[3]  the job's id

  Returns 1 where something was changed.
]]
local job = KEYS[1]
local data, created, opts, due, status, value, log, made, first, nextAt, heldBy = unpack(redis.call('HMGET', job,
  'data', 'timestamp', 'opts', 'du', 'st', 'returnvalue', 'lg', 'an', 'fa', 'nx', 'hb'))
if not data or not created then return 0 end

local changed = 0
if data == ARGV[1] and ARGV[1] ~= ARGV[2] then
  redis.call('HSET', job, 'data', ARGV[2])
  changed = 1
end
if not due then
  due = dueBefore(created, opts)
  redis.call('HSET', job, 'du', due)
  changed = 1
end
-- A delivered attempt that finishing the job wrote down.
if not status and value and value ~= 'null' then
  local entry = cjson.decode(value)
  redis.call('HSET', job, 'st', 'fired', 'lg', log and (log .. '\n' .. value) or value,
    'an', math.max(entry.n, tonumber(made or 0)))
  if not first then redis.call('HSET', job, 'fa', string.format('%.0f', entry.t)) end
  redis.call('HDEL', job, 'returnvalue')
  changed = 1
end
-- It waits for a retry, or for the attempt that a redrive asked for: that one had no 'nx'.
local base = baseOf(job, ARGV[3])
local wake = redis.call('ZSCORE', base .. 'delayed', ARGV[3])
if wake and not status then
  local at = string.format('%.0f', math.floor(wake / 4096))
  if not nextAt and not heldBy and at ~= due then
    redis.call('HSET', job, 'nx', at)
    nextAt = at
  end
  if nextAt then changed = math.max(changed, redis.call('ZADD', base .. 'retries', due, ARGV[3])) end
end
-- BullMQ counted up the score of jobs that are due in one millisecond; lists are read in the order of ids there.
local score = tonumber(wake or 0)
if score % 4096 ~= 0 then
  redis.call('ZADD', base .. 'delayed', string.format('%.0f', score - score % 4096), ARGV[3])
  changed = 1
end
return changed
