--[[
  Takes the right to send the next attempt of a timer: the fence.

  Granted to one caller only, ever, for each attempt; a resend of one's own call (same nonce) is granted again. The
  state machine is told in packages/core/src/timer.ts, the fields in packages/queue/src/stored-timer.ts.

  KEYS[1]  the job's hash
  KEYS[2]  the job's lock, as BullMQ keeps it
  ARGV[1]  token with which this worker holds the lock
  ARGV[2]  nonce, fresh for every invocation, without a colon
  ARGV[3]  now, epoch ms

  Returns one of
    { 'granted', attempt }
    { 'taken', attempt, claimed at }   claimed by another, who wrote no outcome
    { 'finished', final status }
    { 'early', next attempt due at }
    { 'lost' }                         the job or its lock is not there, or the lock is another's
]]
local job, lock = KEYS[1], KEYS[2]
local token, nonce, now = ARGV[1], ARGV[2], tonumber(ARGV[3])

-- A removed job must not come back as a hash that holds nothing but a claim.
if redis.call('EXISTS', job) == 0 then return { 'lost' } end

local status, made, claim, nextAt = unpack(redis.call('HMGET', job, 'st', 'an', 'ca', 'nx'))
local held = redis.call('GET', lock) == token

if status then
  if held then return { 'finished', status } end
  return { 'lost' }
end

local attempt = tonumber(made or 0) + 1

if claim then
  local claimed, by, at = string.match(claim, '^(%d+):([^:]+):(%d+)$')
  if tonumber(claimed) == attempt then
    -- Mine, also where the lock has run out since: no one else will ever send this attempt.
    if by == nonce then return { 'granted', attempt } end
    if held then return { 'taken', attempt, tonumber(at) } end
    return { 'lost' }
  end
end

if not held then return { 'lost' } end
if nextAt and tonumber(nextAt) > now then return { 'early', tonumber(nextAt) } end

redis.call('HSET', job, 'ca', attempt .. ':' .. nonce .. ':' .. ARGV[3])
return { 'granted', attempt }
