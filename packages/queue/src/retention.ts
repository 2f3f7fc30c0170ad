import type { Log } from '@timers/core'
import type { KeepJobs, Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { openQueue } from './open-queue.ts'
import type { ShardKeys } from './shards.ts'

const DAY_SECONDS = 86_400
/** Old timers that one finish removes on its way: a little more than it adds, never a burst of work. */
const REMOVED_PER_FINISH = 4
const SWEEP_EVERY_MS = 60_000
const SWEEP_STEP = 100
const MOST_STEPS = 50

/** BullMQ's lazy retention: it runs when another timer finishes the same way, so the sweeper does the rest. */
export function retentionOptions(retentionDays: number): KeepJobs {
  return { age: retentionDays * DAY_SECONDS, limit: REMOVED_PER_FINISH }
}

/**
 * Removes finished timers past their retention in small steps, so that no moment has to pay for a million of them.
 * Every worker sweeps; two of them at once only share the work.
 */
export class RetentionSweeper {
  readonly #queues: readonly Queue[]
  readonly #retentionMs: number
  readonly #log: Log
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  constructor(redis: Redis, prefix: string, shards: readonly ShardKeys[], retentionDays: number, log: Log) {
    this.#queues = shards.map((shard) => openQueue(redis, prefix, shard, log))
    this.#retentionMs = retentionDays * DAY_SECONDS * 1_000
    this.#log = log
  }

  start(): void {
    // Retention shorter than a minute is for trying it out: sweep as often as it asks for.
    const every = Math.max(1_000, Math.min(SWEEP_EVERY_MS, this.#retentionMs))
    this.#timer = setInterval(() => void this.sweep(), every)
    this.#timer.unref()
  }

  stop(): void {
    this.#stopped = true
    clearInterval(this.#timer)
  }

  /** One sweep: at most 5,000 timers a state and shard. Never throws. Returns how many went. */
  async sweep(): Promise<number> {
    let removed = 0
    try {
      for (const queue of this.#queues) {
        for (const state of ['completed', 'failed'] as const) removed += await this.#sweepState(queue, state)
      }
      if (removed > 0) this.#log.info({ removed }, 'timers past their retention removed')
    } catch (error) {
      this.#log.debug({ reason: (error as Error).message }, 'sweep broken off')
    }
    return removed
  }

  async #sweepState(queue: Queue, state: 'completed' | 'failed'): Promise<number> {
    let removed = 0
    for (let step = 0; step < MOST_STEPS && !this.#stopped; step += 1) {
      const ids = await queue.clean(this.#retentionMs, SWEEP_STEP, state)
      removed += ids.length
      if (ids.length < SWEEP_STEP) break
    }
    return removed
  }
}
