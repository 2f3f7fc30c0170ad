--[[
  Writes down what became of an `unknown` timer, for somebody who found out.

  KEYS[1]  marker (sorted set)
  ARGV[1]  the job's id
  ARGV[2]  owner, or ''
  ARGV[3]  nonce of this command, without a space
  ARGV[4]  now, epoch ms
  ARGV[5]  'fired' or 'failed'
  ARGV[6]  what is remembered of it: JSON, see packages/queue/src/timers/stored-timer.ts
  ARGV[7]  '<shard>:<shards of the first layout>'
  ARGV[8]  who is told of all events: JSON, or ''

  Returns { 'done', job id, its hash }, { 'missing' }, { 'old' } (includes/subject.lua) or { 'refused', status }.
]]
local base = baseOf(KEYS[1], 'marker')
local owner, nonce, now, as = ARGV[2], ARGV[3], ARGV[4], ARGV[5]

local id = ARGV[1]
local job = base .. id
local there, ow, cf, st, made, claim, known, due, cb = unpack(redis.call('HMGET', job,
  'timestamp', 'ow', 'cf', 'st', 'an', 'ca', 'cn', 'du', 'cb'))
if not isOwners(owner, there, ow, cf) then return { 'missing' } end
if not due then return { 'old' } end
if carriedOut(known, nonce) then
  writeAgain(job)
  return { 'done', id, redis.call('HGETALL', job) }
end
local status = statusOf(st, made, claim)
-- One that is not in its place yet is still in the hands of a worker.
if status ~= 'unknown' or not unfinish(base, id, 'unknown') then return { 'refused', status } end

redis.call('HSET', job, 'st', as, 'rs', ARGV[6], 'cn', withNonce(known, nonce), 'finishedOn', now)
if as == 'fired' then redis.call('HDEL', job, 'failedReason', 'stacktrace') end
finish(base, id, as, now, due, false)
if cb or ARGV[8] ~= '' then announce(base, id, as, now, cb, ARGV[7], ARGV[8]) end
return { 'done', id, redis.call('HGETALL', job) }
