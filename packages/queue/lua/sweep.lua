--[[
  Removes finished timers that are past their retention, in the order in which they finished, with all that belongs to
  them: places, keys, callbacks that could not be delivered.

  The list has an entry for each time that a timer came to an end. An entry whose timer has come to another one since, or
  is pending again, only goes itself.

  KEYS[1]  finished (list), or another one like it
  ARGV[1]  finished before this are removed, epoch ms
  ARGV[2]  most entries to look at: a bounded time for Redis
  ARGV[3]  name of the list

  Returns { entries that went, timers that went, digests }: digests of idempotency keys of those that had a key of their own
  too, which may be guarded in another shard (guard.lua).
]]
local base = baseOf(KEYS[1], ARGV[3])
local before = tonumber(ARGV[1])

local looked, gone, keys, digests = 0, {}, {}, {}
for _, entry in ipairs(redis.call('LRANGE', KEYS[1], 0, ARGV[2] - 1)) do
  local id, at = string.match(entry, '^(t%d+):(%d+)$')
  if tonumber(at) >= before then break end
  looked = looked + 1
  local job = base .. id
  local there, status, ended, owner, key, print = unpack(redis.call('HMGET', job, 'timestamp', 'st', 'finishedOn', 'ow', 'ky', 'ik'))
  if not there or (status and ended == at) then
    gone[#gone + 1] = id
    keys[#keys + 1] = job
    local pointers = {}
    if key then pointers[1] = base .. 'k:' .. (owner or '') .. ':' .. key end
    local digest = print and string.match(print, '^[^:]+')
    if digest then pointers[#pointers + 1] = base .. 'i:' .. digest end
    if key and digest then digests[#digests + 1] = digest end
    for _, pointer in ipairs(pointers) do
      if redis.call('GET', pointer) == id then keys[#keys + 1] = pointer end
    end
  end
end
if looked > 0 then redis.call('LTRIM', KEYS[1], looked, -1) end
if #gone > 0 then
  redis.call('DEL', unpack(keys))
  for _, set in ipairs({ 'completed', 'failed', 'cancelled', 'unknown', 'expired', 'undelivered', 'outbox' }) do
    redis.call('ZREM', base .. set, unpack(gone))
  end
end
return { looked, #gone, digests }
