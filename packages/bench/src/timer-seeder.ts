import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '@timers/core'
import { createRedisTimerStore, type RedisTimerStore } from '@timers/queue'

const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} }
const IN_FLIGHT = 100

/** What the `index`-th of them is to be. */
type TimerOf = (index: number) => { readonly url: string; readonly dueAt: number }

interface SeederOptions {
  readonly prefix?: string
  readonly shards?: number
}

/**
 * Creates timers that fall due at one instant, which no client can: the API takes whole seconds from now. The store is the
 * API's own, in this process; each timer's due time is `dueAt`, or a few milliseconds later, and told by the store.
 */
export class TimerSeeder {
  readonly #store: RedisTimerStore
  readonly #requestIds = randomBytes(5).toString('hex')
  #count = 0

  private constructor(store: RedisTimerStore) {
    this.#store = store
  }

  static async start(redisUrl: string, { prefix, shards = 1 }: SeederOptions = {}): Promise<TimerSeeder> {
    const store = createRedisTimerStore({
      redisUrl,
      shards,
      log: SILENT,
      ...(prefix !== undefined && { prefix }),
    })
    // Ready is who can use one node of a cluster: all are wanted here.
    while (!store.health().ready || store.health().problems.length > 0) await sleep(10)
    return new TimerSeeder(store)
  }

  /** Throws where it could not store all of them a while before they are due. */
  seed(count: number, url: string, dueAt: number): Promise<Map<number, number>> {
    return this.seedEach(count, () => ({ url, dueAt }))
  }

  /** The same, with a URL and a due time for each. */
  async seedEach(count: number, timerOf: TimerOf): Promise<Map<number, number>> {
    let earliest = Number.POSITIVE_INFINITY
    const dueById = await this.#seed(count, (index) => {
      const timer = timerOf(index)
      earliest = Math.min(earliest, timer.dueAt)
      return timer
    })
    if (Date.now() > earliest - 100) throw new Error(`creating ${count} timers took too long for the burst`)
    return dueById
  }

  /** Timers that are overdue already, a millisecond apart from `since` on: while no worker runs. */
  async seedOverdue(count: number, url: string, since: number): Promise<void> {
    await this.#seed(count, (index) => ({ url, dueAt: since + index }))
  }

  async #seed(count: number, timerOf: TimerOf): Promise<Map<number, number>> {
    const dueById = new Map<number, number>()
    let started = 0
    const keepAdding = async () => {
      while (started < count) {
        const { url, dueAt } = timerOf(started)
        started += 1
        this.#count += 1
        const requestId = `${this.#requestIds}-${this.#count.toString(36)}`
        const timer = await this.#store.create({ url, requestId, delayMs: dueAt - Date.now() })
        dueById.set(timer.id, timer.dueAt)
      }
    }
    await Promise.all(Array.from({ length: IN_FLIGHT }, keepAdding))
    return dueById
  }

  stop(): Promise<void> {
    return this.#store.close()
  }
}
