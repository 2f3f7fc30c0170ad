-- Takes a finished timer from where it is (finish.lua). Returns whether it was there.
local function unfinish(base, id, status)
  local place = (status == 'fired' or status == 'cancelled') and 'completed' or 'failed'
  if redis.call('ZREM', base .. place, id) == 0 then return false end
  if status ~= 'fired' and status ~= 'failed' then redis.call('ZREM', base .. status, id) end
  redis.call('ZREM', base .. 'undelivered', id)
  return true
end
