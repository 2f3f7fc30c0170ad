--[[
  Forgets a guard (guard.lua) that guards nothing any more, unless it has become another one.

  KEYS[1]  marker (sorted set)
  ARGV[1]  digest of the idempotency key
  ARGV[2]  the guard as it was read

  Returns 1 where it went.
]]
local base = baseOf(KEYS[1], 'marker')
local name = base .. 'i:' .. ARGV[1]
local known = redis.call('GET', name)
if known == ARGV[2] then redis.call('DEL', name) end
if not known or known == ARGV[2] or string.sub(known, 1, 1) ~= '@' then
  redis.call('ZREM', base .. 'guards', ARGV[1])
end
return known == ARGV[2] and 1 or 0
