--[[
  Stores many new timers that have no key, no labels and no idempotency key, in one step: to each what create.lua does,
  with one look at Redis for all of them instead of one for each. Whoever calls it bounds how many.

  KEYS[1]   delayed (sorted set)
  KEYS[2]   marker (sorted set)
  KEYS[3..] the jobs' hashes
  ARGV[1]   created at, epoch ms
  ARGV[2]   owner of all of them, or '' for the default one
  ARGV[3]   where in its key a job's id begins, 1 for the first character
  then of each job, in the order of the keys: its data, due at (epoch ms)

  Returns which of them (1 for the first) are not stored, because another timer has the id.
]]
local delayed, marker = KEYS[1], KEYS[2]
local createdAt, owner, idAt = ARGV[1], ARGV[2], tonumber(ARGV[3])
local count = #KEYS - 2
local taken, places, ours = {}, {}, {}

-- Seldom: a resend, or a Redis that has forgotten what it handed out.
local some = redis.call('EXISTS', unpack(KEYS, 3)) > 0
for each = 1, count do
  local job, data, dueAt = KEYS[each + 2], ARGV[each * 2 + 2], ARGV[each * 2 + 3]
  local there = some and redis.call('HGET', job, 'timestamp')
  if not there then
    local wait = string.format('%.0f', dueAt - createdAt)
    redis.call('HSET', job, 'name', 't', 'data', data, 'opts', '{"delay":' .. wait .. '}',
      'timestamp', createdAt, 'delay', wait, 'priority', '0', 'du', dueAt)
    if owner ~= '' then redis.call('HSET', job, 'ow', owner) end
    local id = string.sub(job, idAt)
    places[#places + 1] = string.format('%.0f', dueAt * 4096)
    places[#places + 1] = id
    ours[id] = true
  elseif there ~= createdAt then
    taken[#taken + 1] = each
  end
end

if #places > 0 then
  redis.call('ZADD', delayed, unpack(places))
  local first = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
  if ours[first[1]] then redis.call('ZADD', marker, string.format('%.17g', tonumber(first[2]) / 4096), '1') end
end
return taken
