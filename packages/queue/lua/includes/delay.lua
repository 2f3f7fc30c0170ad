-- Puts a job among the delayed ones, due at `at` (epoch ms). Wakes a waiting worker only where this job comes first
-- now: of all others they know already when the next is due.
local function delay(delayed, marker, id, at)
  redis.call('ZADD', delayed, string.format('%.0f', at * 4096), id)
  local first = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
  if first[1] == id then redis.call('ZADD', marker, string.format('%.17g', tonumber(first[2]) / 4096), '1') end
end
