-- Tells of a timer's end: writes down, in the very step that brings the end, one job for everybody who asked to be told.
-- Such a callback is a timer like any other, due now and `at_least_once`, with the timer as it is now in its data.

-- `layout` is '<shard>:<shards>'; `events`, like the field 'cb', is JSON {"u":url,"o":[statuses]} or ''.
local function announce(base, id, status, now, cb, layout, events)
  local urls = {}
  for _, text in ipairs({ cb or '', events }) do
    local listener = text ~= '' and cjson.decode(text) or { o = {} }
    for _, wanted in ipairs(listener.o) do
      if wanted == status then urls[#urls + 1] = listener.u end
    end
  end
  if #urls == 0 then return end

  local told = { 'data', 'timestamp', 'du', 'ow', 'ca', 'an', 'st', 'bg', 'fa', 'lg', 'ky', 'lb', 'xi', 'cb', 'rs', 'finishedOn' }
  local timer = {}
  for at, value in ipairs(redis.call('HMGET', base .. id, unpack(told))) do
    timer[told[at]] = value or nil
  end
  local data = cjson.decode(timer.data)
  data.b, data.p, data.h = nil, nil, nil
  timer.data = cjson.encode(data)

  local shard, shards = string.match(layout, '^(%d+):(%d+)$')
  local about = string.sub(id, 2)
  for _, url in ipairs(urls) do
    local job
    -- An id that is taken was handed out before by a Redis that has forgotten it.
    repeat
      local number = redis.call('INCR', base .. 'ids')
      job = 't' .. string.format('%.0f', (number - 1) * shards + shard + 1)
    until redis.call('EXISTS', base .. job) == 0
    local event = { y = 'timer.' .. status, t = tonumber(now), i = tonumber(about), h = timer }
    redis.call('HSET', base .. job, 'name', 't', 'data', cjson.encode({ u = url, m = 1, e = event }),
      'opts', '{"delay":0}', 'timestamp', now, 'delay', '0', 'priority', '0', 'du', now, 'cf', about)
    delay(base .. 'delayed', base .. 'marker', job, tonumber(now))
    redis.call('ZADD', base .. 'outbox', now, job)
  end
end
