import type { ShardStats } from '@timers/core'
import type { Shard } from '../shards/shards.ts'
import { scoresIn, undelivered } from './callbacks.ts'
import { handKeys, LOOK, readOn } from './in-hand.ts'
import { withScripts } from './scripts.ts'

/** Members of `delayed` that one command compares with those that are held back. */
const COMPARED = 250
/** The sets that are counted, behind `outbox` and `held`. */
const COUNTED = ['delayed', 'completed', 'cancelled', 'failed', 'unknown', 'expired'] as const

/** Counts the timers of each shard, from Redis' own sets. Exact where nothing moves meanwhile. */
export function countTimers(shards: readonly Shard[], now: number): Promise<ShardStats[]> {
  return Promise.all(shards.map((shard) => countShard(shard, now)))
}

async function countShard(shard: Shard, now: number): Promise<ShardStats> {
  const { key, index } = shard.keys
  const lastDueScore = (now + 1) * 0x1000 - 1
  const [sizes, due, lowestDelayed, lowestHeld, first] = await withScripts(shard.reads).timersCount(
    ...handKeys(shard),
    ...COUNTED.map(key),
    key(''),
    LOOK,
    lastDueScore,
  )
  const [
    outbox = 0,
    held = 0,
    delayed = 0,
    completed = 0,
    cancelled = 0,
    failed = 0,
    unknown = 0,
    expired = 0,
  ] = sizes
  const inHand = await readOn(shard, first)
  const waiting = inHand.filter(({ firing }) => !firing)
  const callbacks = outbox === 0 ? NO_CALLBACKS : await countCallbacks(shard, lastDueScore)
  const heldToo = held === 0 ? 0 : await countHeld(shard, due, lastDueScore)
  const heldInHand = inHand.filter((hand) => hand.held).length
  const dueSince = [
    lowestDelayed === '' ? now : Math.floor(Number(lowestDelayed) / 0x1000),
    lowestHeld === '' ? now : Number(lowestHeld),
    ...waiting.map(({ since }) => since),
  ]
  return {
    shard: index,
    counts: {
      pending: delayed - callbacks.delayed + waiting.length,
      firing: inHand.length - waiting.length,
      fired: completed - cancelled,
      failed: failed - unknown - expired - (callbacks.failed - callbacks.unknown),
      unknown: unknown - callbacks.unknown,
      cancelled,
      expired,
    },
    deferred: held - callbacks.held,
    overdue: due - callbacks.due + waiting.length + held - callbacks.held - heldToo - heldInHand,
    oldestOverdueMs: Math.max(0, now - dueSince.reduce((a, b) => Math.min(a, b))),
  }
}

const NO_CALLBACKS = { delayed: 0, due: 0, held: 0, failed: 0, unknown: 0 }

/** In which sets the callbacks lie that were not delivered. */
async function countCallbacks(shard: Shard, lastDueScore: number): Promise<typeof NO_CALLBACKS> {
  const counts = { ...NO_CALLBACKS }
  for await (const ids of undelivered(shard)) {
    const [delayed, held, failed, unknown] = await Promise.all(
      ['delayed', 'held', 'failed', 'unknown'].map((set) => scoresIn(shard, set, ids)),
    )
    counts.delayed += delayed?.length ?? 0
    counts.due += delayed?.filter((score) => score <= lastDueScore).length ?? 0
    counts.held += held?.length ?? 0
    counts.failed += failed?.length ?? 0
    counts.unknown += unknown?.length ?? 0
  }
  return counts
}

/** How many of the first `due` members of `delayed` are held back: their turn has come, and no worker has looked yet. */
async function countHeld(shard: Shard, due: number, lastDueScore: number): Promise<number> {
  const delayed = shard.keys.key('delayed')
  let count = 0
  for (let from = 0; from < due; from += COMPARED) {
    const ids = await shard.reads.zrangebyscore(delayed, '-inf', lastDueScore, 'LIMIT', from, COMPARED)
    if (ids.length === 0) break
    count += (await scoresIn(shard, 'held', ids)).length
  }
  return count
}
