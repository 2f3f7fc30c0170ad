import type { ShardStats } from '@timers/core'
import type { Shard } from '../shards/shards.ts'
import { waitingCallbacks } from './callbacks.ts'
import { handKeys, LOOK, readOn } from './in-hand.ts'
import { withScripts } from './scripts.ts'

/** Timers that one command looks for among those that are held back. */
const COMPARED = 250
/** Such commands that are under way at a time. */
const TOGETHER = 8
/** The sets that are counted, after `held`. */
const COUNTED = [
  'delayed',
  'completed',
  'cancelled',
  'failed',
  'unknown',
  'expired',
  'outbox',
  'undelivered',
] as const

/**
 * Counts the timers of each shard, from Redis' own sets. Exact where nothing moves meanwhile. Callbacks lie in the same sets,
 * and are not counted.
 */
export function countTimers(shards: readonly Shard[], now: number): Promise<ShardStats[]> {
  return Promise.all(shards.map((shard) => countShard(shard, now)))
}

async function countShard(shard: Shard, now: number): Promise<ShardStats> {
  const { key, index } = shard.keys
  const lastDueScore = (now + 1) * 0x1000 - 1
  const [sizes, due, lowestDelayed, lowestHeld, first] = await withScripts(shard.reads).timersCount(
    3 + COUNTED.length,
    ...handKeys(shard),
    ...COUNTED.map(key),
    key(''),
    LOOK,
    lastDueScore,
  )
  const [held = 0, ...counted] = sizes
  const size = (set: (typeof COUNTED)[number]) => counted[COUNTED.indexOf(set)] ?? 0

  const all = await readOn(shard, first)
  const inHand = all.filter(({ isCallback }) => !isCallback)
  const waiting = inHand.filter(({ firing }) => !firing)
  const callbacksOut = size('outbox') - size('undelivered') - (all.length - inHand.length)
  const callbacks = await waitingCallbacks(shard, callbacksOut)
  const heldCallbacks = callbacks.filter(({ isHeld }) => isHeld).length
  const deferred = Math.max(
    0,
    held - heldCallbacks - all.filter((hand) => hand.isCallback && hand.held).length,
  )
  // Those whose turn has come are in two of these: not looked at by a worker yet, or in its hands.
  const twice =
    inHand.filter((hand) => hand.held).length + (await countHeld(shard, { due, held, lastDueScore }))
  const overdue =
    due - callbacks.filter(({ wakesAt, isHeld }) => wakesAt <= now && !isHeld).length + waiting.length
  const dueSince = [
    lowestDelayed === '' ? now : Math.floor(Number(lowestDelayed) / 0x1000),
    lowestHeld === '' ? now : Number(lowestHeld),
    ...waiting.map(({ since }) => since),
  ]
  return {
    shard: index,
    counts: {
      pending: size('delayed') - callbacks.length + waiting.length,
      firing: inHand.length - waiting.length,
      fired: size('completed') - size('cancelled'),
      failed: size('failed') - size('unknown') - size('expired') - size('undelivered'),
      unknown: size('unknown'),
      cancelled: size('cancelled'),
      expired: size('expired'),
    },
    deferred,
    overdue: overdue + deferred - twice,
    oldestOverdueMs: Math.max(0, now - dueSince.reduce((a, b) => Math.min(a, b))),
  }
}

/** How many of the first `due` members of `delayed` are held back: their turn has come, and no worker has looked yet. */
async function countHeld(
  { reads, keys }: Shard,
  { due, held, lastDueScore }: { due: number; held: number; lastDueScore: number },
): Promise<number> {
  const delayed = keys.key('delayed')
  // From the shorter side: after a downtime the other one may be a million long.
  const [set, other, length] = due <= held ? [delayed, keys.held, due] : [keys.held, delayed, held]
  const isCounted = (score: string | null) =>
    score !== null && (other === keys.held || Number(score) <= lastDueScore)
  const countFrom = async (from: number): Promise<number> => {
    // By rank: an offset into scores would be counted off one by one.
    const ids = await reads.zrange(set, from, String(Math.min(from + COMPARED, length) - 1))
    return ids.length === 0 ? 0 : (await reads.zmscore(other, ...ids)).filter(isCounted).length
  }
  let count = 0
  for (let from = 0; from < length; from += COMPARED * TOGETHER) {
    const starts = Array.from({ length: TOGETHER }, (_, at) => from + at * COMPARED)
    const counts = await Promise.all(starts.filter((start) => start < length).map(countFrom))
    count += counts.reduce((sum, each) => sum + each, 0)
  }
  return count
}
