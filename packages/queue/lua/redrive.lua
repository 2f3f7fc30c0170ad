--[[
  Makes a timer that ended as `failed` or `unknown` due again, for a new attempt with a fresh retry budget.

  Its log stays: what is known of earlier attempts, and with it the answer to "was it sent?", is kept. Safe to send
  again: commands are remembered by their nonces, and a resend is answered as its first was, whatever has come of the new
  attempt meanwhile.

  KEYS[1]  marker (sorted set)
  ARGV[1]  the job's id
  ARGV[2]  owner, or ''
  ARGV[3]  nonce of this command, without a space; '=<digest>/' before it where the client sent a key
  ARGV[4]  when it is to be sent, epoch ms
  ARGV[5]  '' or 'brief': the answer is without the hash

  Returns one of
    { 'done', job id, its hash }
    { 'again', job id, its hash }      another one was carried out before under the client's key
    { 'missing' }
    { 'old' }                          includes/subject.lua
    { 'refused', status }              not failed or unknown
    { 'taken', job id }                another unfinished timer has its key
]]
local base = baseOf(KEYS[1], 'marker')
local owner, nonce, at = ARGV[2], ARGV[3], ARGV[4]
local function told(kind, id)
  return { kind, id, ARGV[5] == 'brief' and {} or redis.call('HGETALL', base .. id) }
end

local id = ARGV[1]
local job = base .. id
local there, ow, cf, status, made, known, due, key, labels, claim = unpack(redis.call('HMGET', job,
  'timestamp', 'ow', 'cf', 'st', 'an', 'cn', 'du', 'ky', 'lb', 'ca'))
-- A callback, too, may be sent again.
if not isOwners(owner, there, ow, false) then return { 'missing' } end
if not due then return { 'old' } end
local before = carriedOut(known, nonce)
if before then
  writeAgain(job)
  return told(before, id)
end
if status ~= 'failed' and status ~= 'unknown' then
  return { 'refused', statusOf(status, made, claim) }
end
local taken = ''
if key then
  local holder = redis.call('GET', base .. 'k:' .. owner .. ':' .. key)
  if holder and holder ~= id then
    local exists, ended, others = unpack(redis.call('HMGET', base .. holder, 'timestamp', 'st', 'cn'))
    if exists and not ended then return { 'taken', holder } end
    -- A change by key that is sent again finds here that it was carried out on the one that had the key.
    taken = (inherited(others) or '') .. ' '
  end
end
-- One that is not in its place yet is still in the hands of a worker.
if not unfinish(base, id, status) then return { 'refused', status } end

redis.call('HDEL', job, 'st', 'rs', 'failedReason', 'stacktrace', 'finishedOn', 'processedOn')
redis.call('HSET', job, 'bg', (made or '0') .. ':' .. at, 'nx', at, 'cn', withNonce(known, taken .. nonce))
if key then redis.call('SET', base .. 'k:' .. owner .. ':' .. key, id) end
if labels then index(base, id, owner, labels, due) end
delay(base .. 'delayed', KEYS[1], id, tonumber(at))
redis.call('ZADD', base .. 'retries', due, id)
return told('done', id)
