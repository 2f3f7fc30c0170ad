import { setTimeout as sleep } from 'node:timers/promises'
import type { RedisHost } from './redis-host.ts'

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

/** Longest that the last timers may take after the time up to which they were planned. */
const PATIENCE_MS = 75_000
const LOOK_EVERY_MS = 250

/**
 * Waits until nothing is on its way any more but what is planned for after `restAt`, or until the patience ends: then
 * what is left is a flaw that the verdict finds.
 *
 * Only when to look is read from Redis itself; the verdict asks the API.
 */
export async function untilAtRest(
  redis: RedisHost,
  restAt: number,
  open: () => number,
  told: (left: number) => void,
): Promise<void> {
  for (let calm = 0; calm < 3 && Date.now() < restAt + PATIENCE_MS; ) {
    const left = await redis
      .command('EVAL', ON_THEIR_WAY, '1', 'timers:{0}:', String(restAt))
      .then(Number, () => Number.NaN)
    told(left + open())
    calm = left + open() === 0 ? calm + 1 : 0
    await sleep(LOOK_EVERY_MS)
  }
}
