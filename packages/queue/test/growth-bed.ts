import { eventually } from '@timers/lab'
import { Growth, type GrowthOptions } from '../src/shards/growth.ts'
import { Shards } from '../src/shards/shards.ts'
import type { RedisTimerStore } from '../src/timers/timer-store.ts'
import { draft, type Rig } from './rig.ts'

export const HOUR = 3_600_000

/** Shards as an operator's command has them. */
export async function operator(rig: Rig, shards = 1): Promise<Shards> {
  const own = new Shards(
    { redisUrl: rig.redis.url, shards, prefix: rig.prefix, log: rig.log },
    { changes: true },
  )
  rig.onClose(() => own.close())
  await own.whenVerified()
  return own
}

/** Adds shards at once: nobody is given the time to read the new layout. */
export async function grow(rig: Rig, to: number, options: GrowthOptions = {}): Promise<boolean> {
  return new Growth(await operator(rig), { readByAllMs: 0, ...options }).grow(to)
}

/** Until the process gives new timers to all shards. */
export async function knows(store: RedisTimerStore, shards: number): Promise<void> {
  await eventually(async () => {
    const seen = new Set((await store.stats()).map(({ shard }) => shard))
    expect(seen.size).toBe(shards)
  })
}

/** Creates so many plain timers, one after the other. */
export async function plain(store: RedisTimerStore, count: number): Promise<number[]> {
  const ids: number[] = []
  for (let n = 0; n < count; n += 1) ids.push((await store.create(draft(HOUR))).id)
  return ids
}
