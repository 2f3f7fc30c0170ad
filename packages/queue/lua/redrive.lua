--[[
  Makes a timer that ended as `failed` or `unknown` due again, for a new attempt with a fresh retry budget.

  Its log stays: what is known of earlier attempts, and with it the answer to "was it sent?", is kept. Safe to send
  again: the last 16 commands are remembered by their nonces, and a resend is answered as its first was, whatever has
  come of the new attempt meanwhile.

  KEYS[1]  the job's hash
  KEYS[2]  failed (sorted set)
  KEYS[3]  delayed (sorted set)
  KEYS[4]  marker (sorted set)
  ARGV[1]  the job's id
  ARGV[2]  now, epoch ms
  ARGV[3]  nonce of this command, without a space
  ARGV[4]  how many nonces are remembered

  Returns { 'done', the job's hash }, { 'missing' } or { 'refused' } (not failed or unknown).
]]
local job, failed, delayed, marker = unpack(KEYS)
local id, now, nonce, keep = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])

if redis.call('EXISTS', job) == 0 then return { 'missing' } end
local status, made, known = unpack(redis.call('HMGET', job, 'st', 'an', 'cn'))

local nonces = {}
for each in string.gmatch(known or '', '[^ ]+') do
  if each == nonce then return { 'done', redis.call('HGETALL', job) } end
  nonces[#nonces + 1] = each
end

if status ~= 'failed' and status ~= 'unknown' then return { 'refused' } end
if redis.call('ZREM', failed, id) == 0 then return { 'refused' } end

nonces[#nonces + 1] = nonce
while #nonces > keep do table.remove(nonces, 1) end
redis.call('HDEL', job, 'st', 'nx', 'failedReason', 'stacktrace', 'finishedOn', 'processedOn')
redis.call('HSET', job, 'bg', (made or '0') .. ':' .. now, 'cn', table.concat(nonces, ' '))
delay(delayed, marker, id, tonumber(now))
return { 'done', redis.call('HGETALL', job) }
