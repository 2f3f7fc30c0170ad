--[[
  Changes a pending timer: its content, its time, or both. It competes with claim.lua for the timer, and one of the two
  wins. Safe to send again: commands are remembered by their nonces.

  KEYS[1]  marker (sorted set)
  ARGV[1]  the job's id
  ARGV[2]  owner, or ''
  ARGV[3]  nonce of this command, without a space; '=<digest>/' before it where the client sent a key
  ARGV[4]  what is to be another: JSON (includes/alter.lua)

  Returns one of
    { 'done', job id, its hash }
    { 'again', job id, its hash }      another one was carried out before under the client's key
    { 'missing' }, { 'old' } (includes/subject.lua), { 'firing', status }, { 'finished', status }
]]
local base = baseOf(KEYS[1], 'marker')
local owner, nonce = ARGV[2], ARGV[3]

local id = ARGV[1]
local job = base .. id
local there, ow, cf, st, made, claim, known, due = unpack(redis.call('HMGET', job,
  'timestamp', 'ow', 'cf', 'st', 'an', 'ca', 'cn', 'du'))
if not isOwners(owner, there, ow, cf) then return { 'missing' } end
if not due then return { 'old' } end
local before = carriedOut(known, nonce)
if before then
  writeAgain(job)
  return { before, id, redis.call('HGETALL', job) }
end
local status = statusOf(st, made, claim)
if status == 'firing' then return { 'firing', status } end
if status ~= 'pending' then return { 'finished', status } end

alter(base, id, cjson.decode(ARGV[4]), nonce, KEYS[1])
return { 'done', id, redis.call('HGETALL', job) }
