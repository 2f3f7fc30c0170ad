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

const UNGUARD_TEXT = loadScript('unguard', 'places')

interface Scripts extends Redis {
  timersUnguard(marker: string, digest: string, guard: string): Promise<number>
}

function scriptsOf(redis: Redis): Scripts {
  define(redis, 'timersUnguard', 1, UNGUARD_TEXT)
  return redis as Scripts
}

/** In which shard the timer lies that a guard speaks of. */
function homeOf(guard: string): number {
  return Number(guard.split(':')[1])
}

/** Whether the timer is there that a guard speaks of. */
export async function isGuarding(shards: readonly Shard[], digest: string, guard: string): Promise<boolean> {
  const home = shards[homeOf(guard)]
  return home !== undefined && (await home.reads.exists(home.keys.key(`i:${digest}`))) === 1
}

/**
 * Forgets the guards of timers that were just removed from the shard `home`. Those in shards that are away stay for now: they are
 * found to guard nothing when they are looked at.
 */
export async function forgetGuards(
  shards: readonly Shard[],
  home: Shard,
  digests: readonly string[],
): Promise<void> {
  if (digests.length === 0) return
  const others = shards.filter((shard) => shard !== home && shard.verified)
  await Promise.allSettled(others.map((shard) => forgetIn(shard, home, digests)))
}

/** All at once: a sweep has a hundred of them in each of its steps, and the next one waits for these. */
async function forgetIn({ reads, keys }: Shard, home: Shard, digests: readonly string[]): Promise<void> {
  const guards = await reads.mget(digests.map((digest) => keys.key(`i:${digest}`)))
  const forgotten = guards.map((guard, at) =>
    guard?.startsWith('@') && homeOf(guard) === home.keys.index
      ? scriptsOf(reads).timersUnguard(keys.key('marker'), digests[at] as string, guard)
      : undefined,
  )
  await Promise.all(forgotten)
}

/**
 * Looks at guards in the shards `of` whose time has come, and forgets those that guard nothing: their timer never came, or a worker was
 * lost between its removal and theirs. What speaks of a shard that is away waits. Returns how many went.
 */
export async function sweepGuards(
  all: readonly Shard[],
  of: readonly Shard[] = all,
  now = Date.now(),
): Promise<number> {
  let removed = 0
  for (const { reads, keys } of of) {
    const redis = scriptsOf(reads)
    const guards = keys.key('guards')
    for (const digest of await redis.zrangebyscore(guards, '-inf', now, 'LIMIT', 0, A_ROUND)) {
      const guard = (await redis.get(keys.key(`i:${digest}`))) ?? ''
      if (guard.startsWith('@')) {
        if (all[homeOf(guard)]?.verified === false) continue
        if (await isGuarding(all, digest, guard)) {
          await redis.zadd(guards, 'XX', now + LOOK_EVERY_MS, digest)
          continue
        }
      }
      removed += await redis.timersUnguard(keys.key('marker'), digest, guard)
    }
  }
  return removed
}
