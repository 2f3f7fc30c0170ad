import type { Redis } from 'ioredis'
import type { Shard } from '../shards/shards.ts'
import { define, loadScript } from './scripts.ts'

/**
 * # Two keys that lead to two shards
 *
 * A timer with a key of its own lies in the shard to which that key leads. Where the request has an idempotency key too,
 * that one may lead to another shard: there a guard is left, so that another request under the same idempotency key is
 * refused wherever its own key leads. That the same request creates one timer only is decided where the timer lies, in the
 * step that stores it; a guard whose timer never came, or is gone, is forgotten again.
 */

/** When a new guard is looked at first, and how often it is while its timer is kept, in milliseconds. */
export const FIRST_LOOK_MS = 60_000
const LOOK_EVERY_MS = 3_600_000
/** Most guards that one round looks at in a shard. */
const A_ROUND = 200

interface Scripts extends Redis {
  timersUnguard(marker: string, digest: string, guard: string): Promise<number>
}

/** Whether the timer is there that a guard speaks of. */
export async function isGuarding(shards: readonly Shard[], digest: string, guard: string): Promise<boolean> {
  const home = shards[Number(guard.split(':')[1])]
  return home !== undefined && (await home.reads.exists(home.keys.key(`i:${digest}`))) === 1
}

/** Forgets guards that guard nothing any more. Returns how many went. */
export async function sweepGuards(shards: readonly Shard[], now = Date.now()): Promise<number> {
  let removed = 0
  for (const { reads, keys } of shards) {
    define(reads, 'timersUnguard', 1, loadScript('unguard', 'places'))
    const redis = reads as Scripts
    const guards = keys.key('guards')
    for (const digest of await redis.zrangebyscore(guards, '-inf', now, 'LIMIT', 0, A_ROUND)) {
      const guard = (await redis.get(keys.key(`i:${digest}`))) ?? ''
      if (guard.startsWith('@') && (await isGuarding(shards, digest, guard))) {
        await redis.zadd(guards, 'XX', now + LOOK_EVERY_MS, digest)
      } else removed += await redis.timersUnguard(keys.key('marker'), digest, guard)
    }
  }
  return removed
}
