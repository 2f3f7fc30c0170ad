-- Where a timer's job lies among BullMQ's lists and sets, as BullMQ 6.7 has them (test/bullmq-contract.test.ts), and
-- among ours. `base` is what every key of the shard begins with; `id` is the job's id. All is told in
-- packages/queue/src/shards/shard-keys.ts. Scores of the delayed set are epoch ms * 4096, those of the others epoch ms; a
-- worker that waits is woken by the marker.

-- What every key of the shard begins with.
local function baseOf(job, id)
  return string.sub(job, 1, -1 - #id)
end

-- When a timer of format 1 is due, which has no 'du': epoch ms, as text.
local function dueBefore(created, opts)
  return string.format('%.0f', created + (cjson.decode(opts or '{}').delay or 0))
end

-- The timer is held back no longer. `by` is its field 'hb'.
local function release(job, held, id, by)
  if not by then return end
  redis.call('HDEL', job, 'hb')
  redis.call('ZREM', held, id)
end

-- The timer waits for a retry no longer. `nextAt` is its field 'nx'.
local function endWait(base, id, nextAt)
  if nextAt then redis.call('ZREM', base .. 'retries', id) end
end

-- Takes an unfinished timer that nobody has claimed out of wherever it is, also out of the hands of a worker.
local function takeOut(base, id)
  if redis.call('ZREM', base .. 'delayed', id) == 1 then return end
  if redis.call('LREM', base .. 'active', -1, id) == 1 then
    redis.call('DEL', base .. id .. ':lock')
    redis.call('SREM', base .. 'stalled', id)
    return
  end
  redis.call('LREM', base .. 'wait', 1, id)
end
