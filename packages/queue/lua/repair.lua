--[[
  Takes out of a label's index what does not belong there. Every command keeps it right by itself; this is for what
  somebody else has removed (an operator's tools, a Redis that has forgotten its last writes).

  KEYS[1]  labels (set)
  ARGV[1]  name of the index: l:<owner>:<label>
  ARGV[2]  rank of the first entry to look at
  ARGV[3]  most entries to look at: a bounded time for Redis

  Returns { how many it looked at, how many went }.
]]
local base = baseOf(KEYS[1], 'labels')
local name, from = ARGV[1], tonumber(ARGV[2])
local label = string.match(name, '^l:[^:]*:(.*)$')

local found = redis.call('ZRANGE', base .. name, from, from + ARGV[3] - 1)
local gone = {}
for _, id in ipairs(found) do
  local there, status, labels = unpack(redis.call('HMGET', base .. id, 'timestamp', 'st', 'lb'))
  local has = labels and string.find(' ' .. labels .. ' ', ' ' .. label .. ' ', 1, true)
  if not there or status or not has then gone[#gone + 1] = id end
end
if #gone > 0 then redis.call('ZREM', base .. name, unpack(gone)) end
if redis.call('EXISTS', base .. name) == 0 then redis.call('SREM', KEYS[1], name) end
return { #found, #gone }
