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
  ARGV[6]  the last layout in which this shard is the home of the idempotency key (includes/homes.lua)

  Returns { 'ok' }, { 'reused' }, { 'doubt', guard } where another request was remembered, whose timer may be gone, or
  { 'moved', layout } where the idempotency key has its home elsewhere: the layout that this shard follows.
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
  if there and print then
    -- The timer of this very request lies here, too: as long as shards are added, its home is not known beforehand.
    return { string.match(print, '^[^:]+:([^:]+):') == fingerprint and 'ok' or 'reused' }
  end
end
local moved = not known and movedOn(base, ARGV[6])
if moved then return moved end
redis.call('SET', name, '@' .. fingerprint .. ':' .. home .. ':' .. now)
redis.call('ZADD', base .. 'guards', ARGV[5], digest)
return { 'ok' }
