import type { Redis } from 'ioredis'
import { type ShardKeys, timerIdOf } from '../shards/shard-keys.ts'
import { type TimerHash, toTimer } from '../timers/stored-timer.ts'

/**
 * Most that are looked at. Promotion keeps `wait` far shorter (lua/includes/promotion.lua); a release before that one may
 * have left it long.
 */
const MOST = 256

/** A timer that lies in `wait`, for the next worker that asks. */
export interface WaitingTimer {
  readonly jobId: string
  readonly id: number
  /** Since when it has been due, or due again, epoch ms. */
  readonly since: number
}

/** Those that wait for a worker, the next to be taken last. They are not in the order of their due times. */
export async function waitingTimers(redis: Redis, key: ShardKeys['key']): Promise<WaitingTimer[]> {
  const jobIds = await redis.lrange(key('wait'), -MOST, -1)
  const hashes = await Promise.all(jobIds.map((jobId) => redis.hgetall(key(jobId))))
  return jobIds.flatMap((jobId, index) => {
    const hash = hashes[index] ?? {}
    if (hash.data === undefined) return []
    const id = timerIdOf(jobId)
    return [{ jobId, id, since: dueSince(id, hash) }]
  })
}

function dueSince(id: number, hash: TimerHash): number {
  const redrivenAt = hash.bg === undefined || hash.bg.startsWith('0:') ? 0 : Number(hash.bg.split(':')[1])
  return Math.max(toTimer(id, hash).dueAt, Number(hash.nx ?? 0), redrivenAt)
}
