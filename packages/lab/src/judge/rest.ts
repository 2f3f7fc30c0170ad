import type { RedisReply } from '@timers/local-redis'

/** Whatever takes a command to the Redis that has its key. */
interface Redis {
  command(...words: string[]): Promise<RedisReply>
}

/** Timers that are on their way: taken, waiting for a worker, or to be sent (again) before a given time. */
const ON_THEIR_WAY = `
local found = redis.call('LLEN', KEYS[1] .. 'wait') + redis.call('LLEN', KEYS[1] .. 'active')
  + redis.call('LLEN', KEYS[1] .. 'paused')
for _, id in ipairs(redis.call('ZRANGE', KEYS[1] .. 'delayed', 0, -1)) do
  local planned = redis.call('HGET', KEYS[1] .. id, 'nx')
  -- One without a planned attempt waits for its turn at a receiver, however late it is.
  if not planned or tonumber(planned) <= tonumber(ARGV[1]) then found = found + 1 end
end
return found`

/**
 * How many timers are on their way, but for what is planned for after `restAt` (epoch ms).
 *
 * Read from Redis itself, so that a timer that nobody was told of counts too. Asked in one step for each shard: a timer
 * that moves on between two questions would be missed by both.
 */
export async function onTheirWay(
  redis: Redis,
  shards = 1,
  restAt = Number.MAX_SAFE_INTEGER,
): Promise<number> {
  let left = 0
  for (let shard = 0; shard < shards; shard += 1) {
    left += Number(await redis.command('EVAL', ON_THEIR_WAY, '1', `timers:{${shard}}:`, String(restAt)))
  }
  return left
}

const TOLD_BY = `
local timers = {}
for _, id in ipairs(redis.call('ZRANGE', KEYS[1] .. 'outbox', 0, -1)) do
  timers[#timers + 1] = redis.call('HGET', KEYS[1] .. id, 'cf') or ''
end
return timers`

/** Timers of which somebody is still to be told. */
export async function stillToTell(redis: Redis, shards = 1): Promise<Set<number>> {
  const timers = new Set<number>()
  for (let shard = 0; shard < shards; shard += 1) {
    const found = await redis.command('EVAL', TOLD_BY, '1', `timers:{${shard}}:`)
    for (const id of found as string[]) timers.add(Number(id))
  }
  return timers
}
