import type { ShardStats } from '@timers/core'
import { countTimers } from '../index/stats.ts'
import { Growth, GrowthRefused } from './growth.ts'
import type { Layout } from './layouts.ts'
import { type RedisOptions, Shards } from './shards.ts'

/** How long Redis may take to be there and verified, in milliseconds. */
const PATIENCE_MS = 10_000

/** How timers are spread over shards. */
export interface ShardsView {
  /** All layouts, the oldest first; each holds for ids above its `from`. */
  readonly layouts: readonly Layout[]
  /** Number of the layout that all shards follow. */
  readonly settled: number
  readonly shards: readonly ShardStats[]
}

/**
 * @throws GrowthRefused where Redis cannot be reached; TimerError where this process must not use it
 */
export function viewShards(options: RedisOptions): Promise<ShardsView> {
  return withShards(options, false, viewOf)
}

/**
 * Makes it so many shards, while everything runs. Safe to repeat, and to do twice at once: what is done is left alone, and what was
 * left half way is gone on with (growth.ts).
 *
 * @param tell told of each step in plain words
 * @throws GrowthRefused where there are more shards already, or Redis cannot be reached; whatever the connection throws
 */
export function addShards(
  options: RedisOptions,
  to: number,
  tell: (step: string) => void,
): Promise<ShardsView> {
  return withShards(options, true, async (shards) => {
    if (!(await new Growth(shards, { tell }).grow(to))) tell(`there are ${to} shards already`)
    return viewOf(shards)
  })
}

async function viewOf(shards: Shards): Promise<ShardsView> {
  const { layouts, settled } = shards.layouts
  return { layouts: layouts.list, settled, shards: await countTimers(shards.all, Date.now()) }
}

async function withShards<T>(
  options: RedisOptions,
  changes: boolean,
  work: (shards: Shards) => Promise<T>,
): Promise<T> {
  const shards = new Shards(options, { changes })
  try {
    const problem = await shards.problemAfter(PATIENCE_MS)
    if (problem !== undefined) throw new GrowthRefused(problem)
    return await work(shards)
  } finally {
    shards.close()
  }
}
