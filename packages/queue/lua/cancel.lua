--[[
  Cancels a timer: no request leaves after this. It competes with claim.lua for the timer, and one of the two wins.

  Safe to send again: a timer that is cancelled stays so.

  KEYS[1]  marker (sorted set)
  ARGV[1]  the job's id
  ARGV[2]  owner, or ''
  ARGV[3]  now, epoch ms
  ARGV[4]  '<shard>:<shards of the first layout>'
  ARGV[5]  who is told of all events: JSON, or ''
  ARGV[6]  '' or 'brief': the answer is without the hash

  Returns { 'done', job id, its hash }, { 'missing' }, { 'old' } (includes/subject.lua), { 'firing', status } or
  { 'finished', status }.
]]
local base = baseOf(KEYS[1], 'marker')
local owner, now = ARGV[2], ARGV[3]
local function done(id)
  return { 'done', id, ARGV[6] == 'brief' and {} or redis.call('HGETALL', base .. id) }
end

local id = ARGV[1]
local job = base .. id
local there, ow, cf, st, made, claim, nextAt, heldBy, due, labels, cb = unpack(redis.call('HMGET', job,
  'timestamp', 'ow', 'cf', 'st', 'an', 'ca', 'nx', 'hb', 'du', 'lb', 'cb'))
if not isOwners(owner, there, ow, cf) then return { 'missing' } end
if not due then return { 'old' } end
local status = statusOf(st, made, claim)
if status == 'cancelled' then
  writeAgain(job)
  return done(id)
end
if status == 'firing' then return { 'firing', status } end
if status ~= 'pending' then return { 'finished', status } end

takeOut(base, id)
release(job, base .. 'held', id, heldBy)
endWait(base, id, nextAt)
-- Without its claim an attempt that was given up for lost may still be told of, and decides nothing any more.
redis.call('HDEL', job, 'nx', 'ca')
redis.call('HSET', job, 'st', 'cancelled', 'finishedOn', now, 'returnvalue', '"cancelled"',
  -- Bull Board reckons with it.
  'processedOn', now)
if labels then unindex(base, id, owner, labels) end
finish(base, id, 'cancelled', now, due, false)
if cb or ARGV[5] ~= '' then announce(base, id, 'cancelled', now, cb, ARGV[4], ARGV[5]) end
return done(id)
