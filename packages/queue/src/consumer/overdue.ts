import type { Redis } from 'ioredis'
import { waitingTimers } from '../index/waiting.ts'
import { inTime } from '../nodes/in-time.ts'
import { type ShardKeys, timerIdOf } from '../shards/shard-keys.ts'
import type { Shard } from '../shards/shards.ts'

/** A server that has not answered by then is left out of a look, in milliseconds. */
const ANSWER_WITHIN_MS = 1_000

/** A timer that is due and that no worker has taken. */
export interface OverdueTimer {
  readonly id: number
  /** Since when it could have been taken, epoch ms. */
  readonly since: number
  /** Whether an operator has paused its queue. */
  readonly paused: boolean
}

/**
 * The timer that has waited longest for a worker over all shards, or undefined while none waits. One whose queue is
 * paused is named only where no other waits. Shards that cannot be asked are left out: those of others may be stuck meanwhile.
 *
 * Read from Redis itself, from the delayed set and the wait list, because what BullMQ says of its own state was wrong
 * before (taskforcesh/bullmq issues 2466, 4479, 4585).
 *
 * @throws where none could be asked
 */
export async function oldestOverdue(
  shards: readonly Shard[],
  now: number,
): Promise<OverdueTimer | undefined> {
  const looks = await Promise.allSettled(
    shards.map(({ reads, keys }) =>
      inTime(oldestInShard(reads, keys, now), ANSWER_WITHIN_MS, 'no answer in time'),
    ),
  )
  const [first] = looks
  if (first?.status === 'rejected' && looks.every(({ status }) => status === 'rejected')) throw first.reason
  return looks
    .flatMap((look) => (look.status === 'fulfilled' ? (look.value ?? []) : []))
    .sort((a, b) => Number(a.paused) - Number(b.paused) || a.since - b.since)
    .at(0)
}

async function oldestInShard(redis: Redis, shard: ShardKeys, now: number): Promise<OverdueTimer | undefined> {
  const [delayed, waiting, paused] = await Promise.all([
    redis.zrange(shard.key('delayed'), 0, '0'),
    waitingTimers(redis, shard.key),
    redis.hexists(shard.key('meta'), 'paused'),
  ])
  const candidates: { id: number; since: number }[] = waiting.map(({ id, since }) => ({ id, since }))
  const [delayedId] = delayed
  if (delayedId !== undefined) {
    // BullMQ keeps `due * 4096 + n` as the score.
    const score = await redis.zscore(shard.key('delayed'), delayedId)
    if (score !== null)
      candidates.push({ id: timerIdOf(delayedId), since: Math.floor(Number(score) / 0x1000) })
  }
  const oldest = candidates.filter(({ since }) => since <= now).sort((a, b) => a.since - b.since)[0]
  return oldest && { ...oldest, paused: paused === 1 }
}
