import { setTimeout as sleep } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import type { Shard } from '../shards/shards.ts'
import { define, loadScript } from '../timers/scripts.ts'

/** Entries that one command looks at: some 1 us each in Redis. */
const STEP = 200
/** Entries of a shard that one round looks at; the next round goes on from there. */
const A_ROUND = 5_000
/** Between two steps, in milliseconds: others want Redis too. */
const STEP_PAUSE_MS = 5

const REPAIR_TEXT = loadScript('repair', 'places')

interface Scripts extends Redis {
  timersRepair(
    labels: string,
    index: string,
    from: number,
    most: number,
  ): Promise<[looked: number, removed: number]>
}

/** How far a walk over the label indexes of a shard has come. */
interface Walk {
  /** Indexes still to be looked at, the present one first. */
  readonly ahead: string[]
  /** Rank within the present one. */
  rank: number
  cursor: string
}

/** Walks over the label indexes of shards, a part a round, and takes out what points at nothing. */
export class LabelRepair {
  readonly #walks = new Map<Shard, Walk>()

  /** One round over a shard. Returns how many entries went. */
  async round(shard: Shard): Promise<number> {
    const labels = shard.keys.key('labels')
    define(shard.reads, 'timersRepair', 1, REPAIR_TEXT)
    const redis = shard.reads as Scripts
    const walk = this.#walks.get(shard) ?? { ahead: [], rank: 0, cursor: '0' }
    this.#walks.set(shard, walk)
    let removed = 0
    for (let looked = 0; looked < A_ROUND; ) {
      const index = walk.ahead[0]
      if (index === undefined) {
        const [cursor, found] = await redis.sscan(labels, walk.cursor, 'COUNT', 100)
        walk.cursor = cursor
        walk.ahead.push(...found)
        // Once round: the next one begins anew.
        if (found.length === 0 && cursor === '0') break
        continue
      }
      const [seen, went] = await redis.timersRepair(labels, index, walk.rank, STEP)
      looked += Math.max(1, seen)
      removed += went
      walk.rank += seen - went
      if (seen < STEP) {
        walk.ahead.shift()
        walk.rank = 0
        if (walk.ahead.length === 0 && walk.cursor === '0') break
      }
      await sleep(STEP_PAUSE_MS, undefined, { ref: false })
    }
    return removed
  }
}
