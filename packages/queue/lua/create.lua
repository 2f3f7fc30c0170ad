--[[
  Stores a new timer: a BullMQ delayed job, with the fields that BullMQ's own Queue.add gives it and ours beside them.

  The id was minted before, so a resend lands on the same job and stores nothing. A job that is there and was made at
  another moment is another timer: Redis has forgotten that it handed out this id (a failover). Nothing is stored then.

  KEYS[1]  the job's hash
  KEYS[2]  delayed (sorted set)
  KEYS[3]  marker (sorted set)
  ARGV[1]  the job's id
  ARGV[2]  data: JSON, see packages/queue/src/timers/stored-timer.ts
  ARGV[3]  created at, epoch ms
  ARGV[4]  due at, epoch ms
  ARGV[5]  owner, or '' for the default one

  Returns 1 where the timer is stored, 0 where the id is taken.
]]
local job, delayed, marker = unpack(KEYS)
local id, data, createdAt, dueAt, owner = unpack(ARGV)

local there = redis.call('HGET', job, 'timestamp')
if there then return there == createdAt and 1 or 0 end

local wait = string.format('%.0f', dueAt - createdAt)
redis.call('HSET', job, 'name', 't', 'data', data, 'opts', '{"delay":' .. wait .. '}', 'timestamp', createdAt,
  'delay', wait, 'priority', '0', 'du', dueAt)
if owner ~= '' then redis.call('HSET', job, 'ow', owner) end
delay(delayed, marker, id, tonumber(dueAt))
return 1
