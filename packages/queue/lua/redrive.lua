--[[
  Makes a timer that ended as `failed` or `unknown` due again, for a new attempt with a fresh retry budget.

  Its log stays: what is known of earlier attempts, and with it the answer to "was it sent?", is kept.

  KEYS[1]  the job's hash
  KEYS[2]  failed (sorted set)
  KEYS[3]  delayed (sorted set)
  KEYS[4]  marker (sorted set)
  ARGV[1]  the job's id
  ARGV[2]  now, epoch ms

  Returns 'done', 'missing' or 'refused' (not failed or unknown, or still being finished by its worker).
]]
local job, failed, delayed, marker = unpack(KEYS)
local id, now = ARGV[1], tonumber(ARGV[2])

if redis.call('EXISTS', job) == 0 then return 'missing' end
local status, made = unpack(redis.call('HMGET', job, 'st', 'an'))
if status ~= 'failed' and status ~= 'unknown' then return 'refused' end
if not revive(job, failed, delayed, marker, id, now) then return 'refused' end

redis.call('HDEL', job, 'st', 'nx')
redis.call('HSET', job, 'bg', (made or '0') .. ':' .. ARGV[2])
return 'done'
