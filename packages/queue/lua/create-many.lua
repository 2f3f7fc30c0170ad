--[[
  Stores many new timers in one step, each as create.lua does by itself, and in their order. Those that have nothing but a
  due time cost less than alone: one look at Redis and one change of the delayed set for all of them. Whoever calls it
  bounds how many.

  KEYS[1]   delayed (sorted set)
  KEYS[2]   marker (sorted set)
  KEYS[3..] the jobs' hashes, and what else is declared behind them (nodes/routed-redis.ts)
  ARGV[1]   created at, epoch ms
  ARGV[2]   owner of all of them, or '' for the default one
  ARGV[3]   where in its key a job's id begins, 1 for the first character
  then three of each job, in the order of the keys: its data; due at, epoch ms; and '' or, where it has more, a JSON list
  of what create.lua takes as ARGV[6] and on

  Returns { place (1 for the first), what create.lua answers } of each that is not simply stored.
]]
local delayed, marker = KEYS[1], KEYS[2]
local createdAt, owner, idAt = ARGV[1], ARGV[2], tonumber(ARGV[3])
local answers, places, ours = {}, {}, {}

-- Seldom: a resend, or a Redis that has forgotten what it handed out.
local some = redis.call('EXISTS', unpack(KEYS, 3)) > 0
for place = 1, (#ARGV - 3) / 3 do
  local job, at = KEYS[place + 2], place * 3 + 1
  local id, data, dueAt, more = string.sub(job, idAt), ARGV[at], ARGV[at + 1], ARGV[at + 2]
  if more ~= '' or some then
    local extras = more ~= '' and cjson.decode(more) or {}
    local answer = create({ job, delayed, marker }, { id, data, createdAt, dueAt, owner, unpack(extras) })
    if answer ~= 1 then answers[#answers + 1] = { place, answer } end
  else
    hold(job, data, createdAt, dueAt, owner)
    places[#places + 1] = string.format('%.0f', dueAt * 4096)
    places[#places + 1] = id
    ours[id] = true
  end
end

if #places > 0 then
  redis.call('ZADD', delayed, unpack(places))
  local first = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
  if ours[first[1]] then redis.call('ZADD', marker, string.format('%.17g', tonumber(first[2]) / 4096), '1') end
end
return answers
