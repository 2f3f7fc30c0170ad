-- Takes a job out of the hands of the worker that holds its lock.
local function letGo(lock, stalled, active, id)
  redis.call('DEL', lock)
  redis.call('SREM', stalled, id)
  redis.call('LREM', active, -1, id)
end
