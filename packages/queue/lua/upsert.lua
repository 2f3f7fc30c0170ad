--[[
  Changes the pending timer that has a key, or stores a new one with it: one step, so that two who do it at once end with
  one timer. A timer that fires or has finished is left alone.

  Safe to send again: a timer that this command stored is known by its id, a change by its nonce. A new timer takes over
  the nonces of the one that had the key before.

  KEYS[1]  the hash of the job that is stored, if one is
  KEYS[2]  delayed (sorted set)
  KEYS[3]  marker (sorted set)
  ARGV[1]  its id
  ARGV[2]  data: JSON
  ARGV[3]  created at, epoch ms
  ARGV[4]  due at, epoch ms
  ARGV[5]  owner, or ''
  ARGV[6]  own key
  ARGV[7]  labels, separated by spaces
  ARGV[8]  expires in, seconds
  ARGV[9]  callback, JSON
  ARGV[10] nonce of this command
  ARGV[11] the change to a pending timer: JSON (includes/alter.lua); '' leaves it as it is
  ARGV[12] the last layout in which this shard is the key's home (includes/homes.lua)

  Returns one of
    { 'created', job id, its hash, the job id before or '', its status or '' }
    { 'changed', job id, its hash }    also where it was left as it is
    { 'id taken' }                     Redis has handed out this id twice
    { 'moved', layout }                the key has its home elsewhere; the layout that this shard follows
]]
local job, delayed, marker = unpack(KEYS)
local id, data, createdAt, dueAt, owner, key, labels, expires, callback, nonce, change, upTo = unpack(ARGV)
local base = baseOf(job, id)
local name = base .. 'k:' .. owner .. ':' .. key

local function created(before, status)
  return { 'created', id, redis.call('HGETALL', job), before or '', status or '' }
end

local there, previous = unpack(redis.call('HMGET', job, 'timestamp', 'pv'))
if there then
  if there ~= createdAt then return { 'id taken' } end
  local before, status = string.match(previous or '', '^(t%d+):(%a+)$')
  writeAgain(job)
  return created(before, status)
end

local holder = redis.call('GET', name)
local moved = not holder and movedOn(base, upTo)
if moved then return moved end
local made, st, an, claim, known = unpack(holder and redis.call('HMGET', base .. holder,
  'timestamp', 'st', 'an', 'ca', 'cn') or {})
local status = made and statusOf(st, an, claim)
if made and carriedOut(known, nonce) then
  writeAgain(base .. holder)
  return { 'changed', holder, redis.call('HGETALL', base .. holder) }
end
if status == 'pending' then
  if change ~= '' then
    alter(base, holder, cjson.decode(change), nonce, marker)
  else
    -- Sent again when this one has fired, it would store another.
    redis.call('HSET', base .. holder, 'cn', withNonce(known, nonce))
  end
  return { 'changed', holder, redis.call('HGETALL', base .. holder) }
end

adorn(base, id, owner, dueAt, key, labels, expires, callback)
if made then
  redis.call('HSET', job, 'pv', holder .. ':' .. status)
  local nonces = inherited(known)
  if nonces then redis.call('HSET', job, 'cn', nonces) end
end
hold(job, data, createdAt, dueAt, owner)
delay(delayed, marker, id, tonumber(dueAt))
return created(made and holder, status)
