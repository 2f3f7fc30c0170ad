--[[
  Remembers a request in the shard that its idempotency key leads to, where the timer is to lie in another one: its own
  key leads there. So another request under the same idempotency key is known wherever its own key leads. Nothing is
  decided of the timer here: that it is created once, its home sees to (create.lua).

  KEYS[1]  marker (sorted set)
  ARGV[1]  digest of the idempotency key
  ARGV[2]  fingerprint of the request
  ARGV[3]  number of the shard in which the timer is to lie
  ARGV[4]  now, epoch ms
  ARGV[5]  when it is to be looked at whether there is such a timer, epoch ms

  Returns { 'ok' }, { 'reused' }, or { 'doubt', guard } where another request was remembered, whose timer may be gone.
]]
local base = baseOf(KEYS[1], 'marker')
local digest, fingerprint, home, now = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

local name = base .. 'i:' .. digest
local known = redis.call('GET', name)
if known and string.sub(known, 1, 1) == '@' then
  local verdict = judgeGuard(known, fingerprint, now)
  if verdict then return verdict end
elseif known then
  local there, print = unpack(redis.call('HMGET', base .. known, 'timestamp', 'ik'))
  if there and print then return { 'reused' } end
end
redis.call('SET', name, '@' .. fingerprint .. ':' .. home .. ':' .. now)
redis.call('ZADD', base .. 'guards', ARGV[5], digest)
return { 'ok' }
