-- Tells of a timer's end: writes down, in the very step that brings the end, one job for everybody who asked to be told,
-- so that no crash leaves one without the other. Such a callback is a timer like any other, due now and `at_least_once`;
-- its body is made of the timer as it is now, which stands in its data (packages/queue/src/timers/event.ts).

-- Seconds for which a callback is tried. Above the sum of all planned delays (packages/core/src/retry-policy.ts): it ends
-- only what a receiver that is down for days holds back, so that memory is bounded.
local TRIED_FOR = '432000'

-- What of a timer's hash is read for its record, beside its data: not how it waited, and not what only scripts need.
local TOLD = { 'timestamp', 'du', 'ow', 'ky', 'lb', 'xi', 'an', 'st', 'fa', 'lg', 'rs' }

-- Whether a listener, JSON {"u":url,"o":[statuses]} or '', is told of `status`: its URL, or nil.
local function wanted(listener, status)
  if listener == '' then return nil end
  local told = cjson.decode(listener)
  for _, each in ipairs(told.o) do
    if each == status then return told.u end
  end
  return nil
end

-- The timer as it is now, as JSON. Without what its client put into it, and without URLs: they may hold secrets.
local function snapshot(job, now, cb)
  local found = redis.call('HMGET', job, 'data', unpack(TOLD))
  local data = cjson.decode(found[1])
  local timer = {
    data = cjson.encode({ u = '', m = data.m, x = data.x, t = data.t, r = data.r }),
    cb = cb and cjson.encode({ u = '', o = cjson.decode(cb).o }) or nil,
    finishedOn = now,
  }
  for at, field in ipairs(TOLD) do timer[field] = found[at + 1] or nil end
  timer.du = timer.du or dueBefore(timer.timestamp, redis.call('HGET', job, 'opts'))
  return cjson.encode(timer)
end

-- A fresh id of this shard, as a job's id.
local function mintId(base, first)
  local id
  -- One that is taken was handed out before by a Redis that has forgotten it.
  repeat
    local number, _, from, shards, shard = takeNumbers(base, first, 1, 0)
    id = 't' .. string.format('%.0f', from + (number - 1) * shards + shard + 1)
  until redis.call('EXISTS', base .. id) == 0
  return id
end

-- To be called when all that is known of the timer is written. `cb` is its own listener, `events` that of all timers.
local function announce(base, id, status, now, cb, layout, events)
  local own, all = wanted(cb or '', status), wanted(events, status)
  if not own and not all then return end
  local event = '{"y":"timer.' .. status .. '","t":' .. now .. ',"h":' .. snapshot(base .. id, now, cb) .. '}'

  local function tell(url, owner)
    local callback = mintId(base, layout)
    redis.call('HSET', base .. callback, 'name', 't', 'data', '{"u":' .. cjson.encode(url) .. ',"m":1,"e":' .. event .. '}',
      'opts', '{"delay":0}', 'timestamp', now, 'delay', '0', 'priority', '0', 'du', now, 'xi', TRIED_FOR,
      'cf', string.sub(id, 2))
    if owner then redis.call('HSET', base .. callback, 'ow', owner) end
    delay(base .. 'delayed', base .. 'marker', callback, tonumber(now))
    redis.call('ZADD', base .. 'outbox', now, callback)
  end

  -- The timer's own is its owner's; that of all timers belongs to who runs them.
  if own then tell(own, redis.call('HGET', base .. id, 'ow')) end
  if all and all ~= own then tell(all, false) end
end
