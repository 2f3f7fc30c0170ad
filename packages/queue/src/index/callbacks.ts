import type { Shard } from '../shards/shards.ts'

/** Members of the outbox that are looked at in one command. */
const LOOK = 250

/** A callback that waits for its time in `delayed`, among the timers. */
export interface WaitingCallback {
  /** When it wakes up, epoch ms. */
  readonly wakesAt: number
  readonly isHeld: boolean
}

/**
 * The callbacks that wait in `delayed`, where there are so many. The newest first: what was given up, and stays in the
 * outbox for its retention, is older.
 */
export async function waitingCallbacks(shard: Shard, most: number): Promise<WaitingCallback[]> {
  const { reads, keys } = shard
  const { key, held } = keys
  const found: WaitingCallback[] = []
  for (let from = 0; found.length < most; from += LOOK) {
    const ids = await reads.zrevrange(key('outbox'), from, from + LOOK - 1)
    if (ids.length === 0) break
    const [wakes, holds] = await Promise.all([
      reads.zmscore(key('delayed'), ...ids),
      reads.zmscore(held, ...ids),
    ])
    for (const [at, score] of wakes.entries()) {
      if (score !== null)
        found.push({ wakesAt: Math.floor(Number(score) / 0x1000), isHeld: holds[at] !== null })
    }
  }
  return found
}
