import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '@timers/core'
import type { Redis } from 'ioredis'
import { errorFields } from '../nodes/error-fields.ts'
import { onEachNode } from '../shards/each-node.ts'
import type { Shard, Shards } from '../shards/shards.ts'
import { forgetGuards, sweepGuards } from '../timers/guards.ts'
import { define, loadScript } from '../timers/scripts.ts'
import { LabelRepair } from './label-repair.ts'

const DAY_MS = 86_400_000
const SWEEP_EVERY_MS = 10_000
/** Most timers that one command removes: some 2 us each in Redis. */
const STEP = 100
/** Between two steps, in milliseconds: others want Redis too. */
const STEP_PAUSE_MS = 5

/** Lists of ends, each in its order. Those of timers that an older release finished are apart (lua/arrange.lua). */
const ENDS = ['finished', 'finished:completed', 'finished:failed']

const SWEEP_TEXT = loadScript('sweep', 'places')

interface Scripts extends Redis {
  timersSweep(
    finished: string,
    before: number,
    most: number,
    name: string,
  ): Promise<[looked: number, removed: number, digests: string[]]>
}

/**
 * Removes finished timers past their retention in small steps, so that no moment has to pay for a million of them.
 * Every worker sweeps; two of them at once only share the work.
 */
export class RetentionSweeper {
  readonly #shards: Pick<Shards, 'all'>
  readonly #retentionMs: number
  readonly #labels: LabelRepair
  readonly #log: Log
  #timer: NodeJS.Timeout | undefined
  #stopped = false
  #sweeping = false

  constructor(shards: Pick<Shards, 'all'>, retentionDays: number, log: Log) {
    this.#shards = shards
    this.#retentionMs = retentionDays * DAY_MS
    this.#labels = new LabelRepair()
    this.#log = log
  }

  start(): void {
    // A retention of seconds is for trying it out: sweep as often as it asks for.
    const every = Math.max(1_000, Math.min(SWEEP_EVERY_MS, this.#retentionMs))
    this.#timer = setInterval(() => void this.sweep(), every)
    this.#timer.unref()
  }

  stop(): void {
    this.#stopped = true
    clearInterval(this.#timer)
  }

  /** One sweep, until nothing is left to remove. Never throws. Returns how many went. */
  async sweep(): Promise<number> {
    if (this.#sweeping) return 0
    this.#sweeping = true
    let removed = 0
    let repaired = 0
    await onEachNode(
      this.#shards.all,
      async (shard) => {
        for (const list of ENDS) {
          const went = await this.#sweepShard(shard, list)
          // After the wait, and not in the same expression: those of other servers count at the same time.
          removed += went
        }
        await sweepGuards(this.#shards.all, [shard])
        const mended = await this.#labels.round(shard)
        repaired += mended
      },
      (error) => this.#log.debug(errorFields(error), 'sweep broken off'),
    )
    this.#sweeping = false
    if (removed > 0) this.#log.info({ removed }, 'timers past their retention removed')
    if (repaired > 0) this.#log.warn({ repaired }, 'entries of labels that pointed at nothing removed')
    return removed
  }

  async #sweepShard(shard: Shard, list: string): Promise<number> {
    const { reads, keys } = shard
    define(reads, 'timersSweep', 1, SWEEP_TEXT)
    const redis = reads as Scripts
    let removed = 0
    while (!this.#stopped) {
      const before = Math.floor(Date.now() - this.#retentionMs)
      const [looked, went, digests] = await redis.timersSweep(keys.key(list), before, STEP, list)
      removed += went
      await forgetGuards(this.#shards.all, shard, digests)
      if (looked < STEP) break
      await sleep(STEP_PAUSE_MS, undefined, { ref: false })
    }
    return removed
  }
}
