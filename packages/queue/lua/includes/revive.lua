-- Puts a finished job back among the delayed ones, due at `at` (epoch ms), as BullMQ's getDelayedScore and
-- addDelayMarkerIfNeeded do. Returns false where the job is not in the failed set.
local function revive(job, failed, delayed, marker, id, at)
  if redis.call('ZREM', failed, id) == 0 then return false end
  redis.call('HDEL', job, 'failedReason', 'stacktrace', 'finishedOn', 'processedOn')
  redis.call('ZADD', delayed, at * 0x1000, id)
  local first = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
  redis.call('ZADD', marker, tonumber(first[2]) / 0x1000, '1')
  return true
end
