--[[
  Takes the right to send the next attempt of a timer: the fence.

  Granted to one caller only, ever, for each attempt; a resend of one's own call (same nonce) is granted again. The
  state machine is told in packages/core/src/timer.ts, the fields in packages/queue/src/timers/stored-timer.ts.

  Here, and nowhere else, is decided that a timer is too late to be sent: it ends as `expired` in this step.

  KEYS[1]  the job's hash
  KEYS[2]  the job's lock, as BullMQ keeps it
  KEYS[3]  held (sorted set)
  ARGV[1]  token with which this worker holds the lock
  ARGV[2]  nonce, fresh for every invocation, without a colon; '' only looks and claims nothing
  ARGV[3]  now, epoch ms
  ARGV[4]  the job's id
  ARGV[5]  version of the timer that this worker has read: its field 'vn', or ''
  ARGV[6]  '<shard>:<shards of the first layout>'
  ARGV[7]  who is told of all events: JSON, or ''
  ARGV[8]  which taking of the job this is: its field 'ats' as this worker has read it

  Returns one of
    { 'granted', attempt, planned for or '', budget or '', left }
        budget: '<attempts before it>:<its start, epoch ms>'
        left: milliseconds for which the lock is still held at the least; 0 where it is not, and nothing may leave
    { 'taken', attempt, claimed at, budget or '' }              claimed by another, who wrote no outcome
    { 'free', attempt }                                         only where nothing was to be claimed
    { 'finished', final status }
    { 'expired' }                                               by this very call
    { 'early', next attempt due at }
    { 'changed' }                                               by a client: this worker has it no more
    { 'lost' }                                                  the job or its lock is not there, or the lock is another's
]]
local job, lock, held = unpack(KEYS)
local token, nonce, now, id, version, taking = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[8]

local there, status, made, claim, nextAt, budget, heldBy, changes, expires, takings = unpack(
  redis.call('HMGET', job, 'timestamp', 'st', 'an', 'ca', 'nx', 'bg', 'hb', 'vn', 'xi', 'ats'))
-- A removed job must not come back as a hash that holds nothing but a claim.
if not there then return { 'lost' } end
budget = budget or ''
-- It may have lost the job, and taken it anew under the same token, before it noticed: BullMQ counts the takings.
local mine = (takings or '') == taking and redis.call('GET', lock) == token

local attempt = tonumber(made or 0) + 1
local claimed, by, at
if claim then
  claimed, by, at = string.match(claim, '^(%d+):([^:]+):(%d+)$')
  claimed = tonumber(claimed)
end

local function granted(number)
  return { 'granted', number, nextAt or '', budget, mine and math.max(0, redis.call('PTTL', lock)) or 0 }
end

-- Mine, also where the lock has run out since, or where another has given this worker up for lost before it heard of
-- its grant: no one else will ever send this attempt, and the outcome (that it never left) corrects `unknown`.
if by == nonce and (claimed == attempt or (status == 'unknown' and claimed == attempt - 1)) then
  seldom().writeAgain(job)
  return granted(claimed)
end

if status then
  -- A client who cancels takes the timer out of the worker's hands.
  if mine or status == 'cancelled' or status == 'expired' then return { 'finished', status } end
  return { 'lost' }
end

if claimed == attempt then
  if mine then return { 'taken', attempt, tonumber(at), budget } end
  return { 'lost' }
end

if (changes or '') ~= version then return { 'changed' } end
if not mine then return { 'lost' } end

if expires and nonce ~= '' then
  -- Counted from the due time, or from the redrive that made it due again.
  local before, from = string.match(budget, '^(%d+):(%d+)$')
  local due, owner, labels, cb, callback = unpack(redis.call('HMGET', job, 'du', 'ow', 'lb', 'cb', 'cf'))
  local counted = tonumber(before or 0) > 0 and tonumber(from) or tonumber(due)
  if now > counted + expires * 1000 then
    local also = seldom()
    local base = also.baseOf(job, id)
    also.letGo(lock, base .. 'stalled', base .. 'active', id)
    also.release(job, held, id, heldBy)
    also.endWait(base, id, nextAt)
    -- As in cancel.lua: a late word of an earlier attempt changes nothing of this end.
    redis.call('HDEL', job, 'nx', 'ca')
    redis.call('HSET', job, 'st', 'expired', 'finishedOn', ARGV[3],
      'failedReason', 'expired: not sent within ' .. expires .. ' s of its due time')
    if labels then also.unindex(base, id, owner or '', labels) end
    also.finish(base, id, 'expired', ARGV[3], due, callback)
    if (cb or ARGV[7] ~= '') and not callback then also.announce(base, id, 'expired', ARGV[3], cb, ARGV[6], ARGV[7]) end
    return { 'expired' }
  end
end

if nextAt and tonumber(nextAt) > now then return { 'early', tonumber(nextAt) } end
if nonce == '' then return { 'free', attempt } end

redis.call('HSET', job, 'ca', attempt .. ':' .. nonce .. ':' .. ARGV[3])
if heldBy or nextAt then
  local also = seldom()
  also.release(job, held, id, heldBy)
  also.endWait(also.baseOf(job, id), id, nextAt)
end
return granted(attempt)
