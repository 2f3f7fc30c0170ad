import type { Shard } from '../shards/shards.ts'

/** Members of the outbox that are looked at in one command. */
const LOOK = 250
/** Such commands that are under way at a time. */
const TOGETHER = 8

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
  const found: WaitingCallback[] = []
  for (let from = 0; found.length < most; ) {
    const looks = Math.min(TOGETHER, Math.ceil((most - found.length) / LOOK))
    const parts = await Promise.all(Array.from({ length: looks }, (_, at) => lookAt(shard, from + at * LOOK)))
    found.push(...parts.flatMap(({ waiting }) => waiting))
    if (parts.at(-1)?.isEnd) break
    from += looks * LOOK
  }
  return found
}

/** Part of the outbox, from the newest on. */
async function lookAt(
  { reads, keys: { key, held } }: Shard,
  from: number,
): Promise<{ waiting: WaitingCallback[]; isEnd: boolean }> {
  const ids = await reads.zrevrange(key('outbox'), from, from + LOOK - 1)
  if (ids.length === 0) return { waiting: [], isEnd: true }
  const [wakes, holds] = await Promise.all([
    reads.zmscore(key('delayed'), ...ids),
    reads.zmscore(held, ...ids),
  ])
  const waiting = wakes.flatMap((score, at) =>
    score === null ? [] : [{ wakesAt: Math.floor(Number(score) / 0x1000), isHeld: holds[at] !== null }],
  )
  return { waiting, isEnd: ids.length < LOOK }
}
