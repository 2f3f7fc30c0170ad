import { setTimeout as sleep } from 'node:timers/promises'
import { type DueTimer, TimerError } from '@timers/core'
import { eventually } from '@timers/lab'
import type { RedisTimerStore } from '../src/timers/timer-store.ts'
import { type ClusterBed, SHARDS, shardOfTimer } from './cluster-bed.ts'
import { delivered, draft, fired } from './rig.ts'

const CREATORS = 4
const PAUSE_MS = 5
const DELAY_MS = 300
/** What the API promises for an answer. */
const ANSWER_MS = 2_000

interface Firing {
  readonly at: number
  readonly dueAt: number
}

interface Failure {
  readonly error: unknown
  readonly tookMs: number
}

/** How long `work` lasts, by the clock on the wall: a cluster that is down is so also while this process stands still. */
export async function lasting(work: () => Promise<unknown>): Promise<{ readonly tookMs: number }> {
  const startedAt = Date.now()
  await work()
  return { tookMs: Date.now() - startedAt }
}

/** Timers that are created and fire while a test does something to the cluster, and what came of each. */
export class ClusterLoad {
  readonly #store: RedisTimerStore
  readonly #made = new Map<number, number>()
  readonly #fired = new Map<number, Firing[]>()
  readonly #failures: Failure[] = []
  #running = true
  #creators: Promise<unknown> = Promise.resolve()

  private constructor(store: RedisTimerStore) {
    this.#store = store
  }

  /** Begins, and resolves when timers of all shards fire. */
  static async start(bed: ClusterBed, store?: RedisTimerStore): Promise<ClusterLoad> {
    const load = new ClusterLoad(store ?? (await bed.store()))
    await bed.consumer({ handle: (due) => load.#fire(due) })
    load.#creators = Promise.all(Array.from({ length: CREATORS }, () => load.#create()))
    bed.onClose(() => load.stop())
    await load.everyShardFires()
    return load
  }

  get made(): number {
    return this.#made.size
  }

  /** What creates were answered with that were refused. */
  get failures(): readonly Failure[] {
    return this.#failures
  }

  /** Stops creating. */
  async stop(): Promise<void> {
    this.#running = false
    await this.#creators
  }

  /** Timers of all shards that were created from now on fire: each shard by itself, and not most of them. */
  async everyShardFires(timeoutMs = 20_000): Promise<void> {
    const from = Date.now()
    await eventually(
      () => {
        const shards = new Set<number>()
        for (const [id, firings] of this.#fired) {
          if (firings.some(({ dueAt }) => dueAt > from + DELAY_MS)) shards.add(shardOfTimer(id))
        }
        expect([...shards].sort((a, b) => a - b)).toEqual([...Array(SHARDS).keys()])
      },
      { timeoutMs },
    )
  }

  /**
   * Stops, waits for all to fire, and says what is wrong with any: nothing but refusals in time.
   *
   * @param downMs for how long the cluster itself did not serve a shard, at the longest
   * @param down which shards that were
   */
  async verdict(downMs = 0, down: readonly number[] = [...Array(SHARDS).keys()]): Promise<void> {
    await this.stop()
    await eventually(() => expect(this.#lost()).toEqual([]), { timeoutMs: 20_000 })
    const firings = [...this.#fired.values()]
    expect({
      doubled: firings.filter((each) => each.length > 1).length,
      early: firings.flat().filter(({ at, dueAt }) => at < dueAt).length,
      errors: this.#failures.filter(({ error }) => !isUnavailable(error)).map(({ error }) => error),
      slow: this.#failures.filter(({ tookMs }) => tookMs > ANSWER_MS).map(({ tookMs }) => tookMs),
    }).toEqual({ doubled: 0, early: 0, errors: [], slow: [] })
    expect(this.#maxLateMs((shard) => down.includes(shard))).toBeLessThanOrEqual(downMs + 1_000)
    expect(this.#maxLateMs((shard) => !down.includes(shard))).toBeLessThanOrEqual(1_000)
  }

  #maxLateMs(which: (shard: number) => boolean): number {
    const firings = [...this.#fired].flatMap(([id, each]) => (which(shardOfTimer(id)) ? each : []))
    return Math.max(0, ...firings.map(({ at, dueAt }) => at - dueAt))
  }

  #lost(): number[] {
    return [...this.#made.keys()].filter((id) => !this.#fired.has(id))
  }

  async #create(): Promise<void> {
    while (this.#running) {
      const askedAt = performance.now()
      try {
        const { id, dueAt } = await this.#store.create(draft(DELAY_MS))
        this.#made.set(id, dueAt)
      } catch (error) {
        this.#failures.push({ error, tookMs: performance.now() - askedAt })
      }
      await sleep(PAUSE_MS)
    }
  }

  async #fire(due: DueTimer): Promise<void> {
    const claim = await due.claim()
    if (claim.kind === 'early') return due.defer(claim.at)
    if (claim.kind === 'finished') return due.rest()
    if (claim.kind === 'taken') {
      // Somebody has claimed it and was lost: that must not be us.
      throw new Error(`timer ${due.timer.id} was claimed before`)
    }
    if (claim.kind !== 'granted') return
    const at = Date.now()
    if (!claim.mayLeave()) {
      await due.settle(claim.attempt, { outcome: 'never_sent', sentAt: at }, { kind: 'retry', at })
      return
    }
    const { id, dueAt } = due.timer
    this.#fired.set(id, [...(this.#fired.get(id) ?? []), { at, dueAt }])
    await due.settle(claim.attempt, delivered(at), fired)
  }
}

function isUnavailable(error: unknown): boolean {
  return error instanceof TimerError && ['STORE_UNAVAILABLE', 'STORE_REFUSED'].includes(error.code)
}
