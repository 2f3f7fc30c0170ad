-- Unfinished timers by label. `labels` is the field 'lb': labels separated by spaces; `owner` is '' for the default one.

local function index(base, id, owner, labels, due)
  for label in string.gmatch(labels, '[^ ]+') do
    local name = 'l:' .. owner .. ':' .. label
    redis.call('ZADD', base .. name, due, id)
    redis.call('SADD', base .. 'labels', name)
  end
end

local function unindex(base, id, owner, labels)
  for label in string.gmatch(labels, '[^ ]+') do
    local name = 'l:' .. owner .. ':' .. label
    redis.call('ZREM', base .. name, id)
    if redis.call('EXISTS', base .. name) == 0 then redis.call('SREM', base .. 'labels', name) end
  end
end
