-- A new timer: a BullMQ delayed job, with the fields that BullMQ's own Queue.add gives it and ours beside them.

local function hold(job, data, createdAt, dueAt, owner)
  local wait = string.format('%.0f', dueAt - createdAt)
  redis.call('HSET', job, 'name', 't', 'data', data, 'opts', '{"delay":' .. wait .. '}', 'timestamp', createdAt,
    'delay', wait, 'priority', '0', 'du', dueAt)
  if owner ~= '' then redis.call('HSET', job, 'ow', owner) end
end

local function store(job, delayed, marker, id, data, createdAt, dueAt, owner)
  hold(job, data, createdAt, dueAt, owner)
  delay(delayed, marker, id, tonumber(dueAt))
end

-- What few timers have: a key, labels, an end to their validity, somebody to call back. '' where it is not given.
local function adorn(base, id, owner, dueAt, key, labels, expires, callback)
  local fields = {}
  for name, value in pairs({ ky = key, lb = labels, xi = expires, cb = callback }) do
    if value ~= '' then
      fields[#fields + 1] = name
      fields[#fields + 1] = value
    end
  end
  if #fields > 0 then redis.call('HSET', base .. id, unpack(fields)) end
  if key ~= '' then redis.call('SET', base .. 'k:' .. owner .. ':' .. key, id) end
  index(base, id, owner, labels, dueAt)
end
