-- A new timer: a BullMQ delayed job, with the fields that BullMQ's own Queue.add gives it and ours beside them. Its
-- place among the delayed ones comes with delay.lua.
local function hold(job, data, createdAt, dueAt, owner)
  local wait = string.format('%.0f', dueAt - createdAt)
  redis.call('HSET', job, 'name', 't', 'data', data, 'opts', '{"delay":' .. wait .. '}', 'timestamp', createdAt,
    'delay', wait, 'priority', '0', 'du', dueAt)
  if owner ~= '' then redis.call('HSET', job, 'ow', owner) end
end
