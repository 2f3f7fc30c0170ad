--[[
  Stores a new timer.

  The id was minted before, so a resend lands on the same job and stores nothing. A job that is there and was made at
  another moment is another timer: Redis has forgotten that it handed out this id (a failover). Nothing is stored then.

  A key that the timer is to have, and the key under which the request may come again, are written down in the same
  step: no crash leaves one without the other.

  KEYS[1]  the job's hash
  KEYS[2]  delayed (sorted set)
  KEYS[3]  marker (sorted set)
  ARGV[1]  the job's id
  ARGV[2]  data: JSON, see packages/queue/src/timers/stored-timer.ts; '' where the timer could not be stored any more, and
           only one that was stored before can be the answer
  ARGV[3]  created at, epoch ms
  ARGV[4]  due at, epoch ms
  ARGV[5]  owner, or '' for the default one
  and, only where one of them is given, each '' where it is not
  ARGV[6]  own key
  ARGV[7]  labels, separated by spaces
  ARGV[8]  expires in, seconds
  ARGV[9]  callback, JSON
  ARGV[10] digest of the idempotency key
  ARGV[11] fingerprint of the request
  ARGV[12] the last layout in which this shard is the home of the timer's word (includes/homes.lua): of its own key or, where it
           has none, of its idempotency key; '' where it has neither

  Returns one of
    1                                         the timer is stored
    0                                         the id is taken
    { 'replay', job id, created at, due at }  the same request came before; as it was answered then
    { 'reused' }                              another request came under this idempotency key
    { 'doubt', guard }                        the same, unless that request's timer is gone (guard.lua)
    { 'none' }                                nothing came before, and nothing is stored
    { 'taken', job id }                       an unfinished timer has the key
    { 'moved', layout }                       the word has its home elsewhere; the layout that this shard follows
]]
local job, delayed, marker = unpack(KEYS)
local id, data, createdAt, dueAt, owner, key, labels, expires, callback, digest, fingerprint, upTo = unpack(ARGV)

local there = redis.call('HGET', job, 'timestamp')
if there then
  if there ~= createdAt then return 0 end
  seldom().writeAgain(job)
  return 1
end

if key then
  local also = seldom()
  local base = also.baseOf(job, id)
  local isHere = false
  if digest ~= '' then
    local known = redis.call('GET', base .. 'i:' .. digest)
    isHere = key == '' and known
    if known and string.sub(known, 1, 1) == '@' then
      local verdict = also.judgeGuard(known, fingerprint, createdAt)
      if verdict then return verdict end
      known = false
    end
    local made, print = unpack(known and redis.call('HMGET', base .. known, 'timestamp', 'ik') or {})
    if made and print then
      local _, before, due = string.match(print, '^([^:]+):([^:]+):(%d+)$')
      if before ~= fingerprint then return { 'reused' } end
      also.writeAgain(base .. known)
      return { 'replay', known, made, due }
    end
  end
  local holder = key ~= '' and redis.call('GET', base .. 'k:' .. owner .. ':' .. key)
  local moved = not isHere and not holder and also.movedOn(base, upTo)
  if moved then return moved end
  if data == '' then return { 'none' } end
  if key ~= '' then
    local made, status, nonces = unpack(holder and redis.call('HMGET', base .. holder, 'timestamp', 'st', 'cn') or {})
    if made and not status then return { 'taken', holder } end
    nonces = also.inherited(nonces)
    if nonces then redis.call('HSET', job, 'cn', nonces) end
  end
  if digest ~= '' then
    redis.call('SET', base .. 'i:' .. digest, id)
    redis.call('HSET', job, 'ik', digest .. ':' .. fingerprint .. ':' .. dueAt)
  end
  also.adorn(base, id, owner, dueAt, key, labels, expires, callback)
end
hold(job, data, createdAt, dueAt, owner)
delay(delayed, marker, id, tonumber(dueAt))
return 1
