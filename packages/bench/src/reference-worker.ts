import { setTimeout as sleep } from 'node:timers/promises'
import { burstDueAt, watchProcessors } from './burst.ts'
import { type Child, startChild } from './child.ts'

export type ReferenceKind = 'empty' | 'got' | 'plain'

/** What a reference is started with. Its kind is also the prefix of its keys. */
export interface ReferenceStart {
  readonly redisUrl: string
  readonly kind: ReferenceKind
}

/** What a reference is to do in the first burst, or the next one. */
export interface ReferenceSeed {
  readonly count: number
  readonly url: string
  readonly dueAt: number
}

export interface ReferenceJob {
  readonly u: string
  readonly r: string
}

export interface ReferenceBurst {
  readonly perSecond: number
  readonly firstMs: number
  readonly processorUs: Readonly<Record<string, number>>
}

interface Progress {
  readonly finished: number
  readonly firstAt: number
  readonly lastAt: number
}

const PATIENCE_MS = 60_000

/**
 * A worker that is less than ours: see processes/bull-worker.ts and plain-worker.ts. Its jobs are added by another process,
 * as ours are: a worker that had just added ten thousand itself would be warm.
 */
export class ReferenceWorker {
  readonly #worker: Child
  readonly #seeder: Child

  private constructor(worker: Child, seeder: Child) {
    this.#worker = worker
    this.#seeder = seeder
  }

  static async start(kind: ReferenceKind, redisUrl: string): Promise<ReferenceWorker> {
    const name = kind === 'plain' ? 'plain-worker' : 'bull-worker'
    const [worker, seeder] = [startChild(name), startChild(name)]
    const start: ReferenceStart = { redisUrl, kind }
    await worker.ask('work', start)
    await seeder.ask('open', start)
    return new ReferenceWorker(worker, seeder)
  }

  /** Adds so many delayed jobs that are due at once, and waits until all are done. */
  async burst(count: number, url: string, redisPid: number): Promise<ReferenceBurst> {
    const dueAt = burstDueAt(count)
    await this.#worker.ask('reset')
    const seed: ReferenceSeed = { count, url, dueAt }
    await this.#seeder.ask('seed', seed)
    const processorsPerFire = await watchProcessors({ worker: this.#worker.pid, redis: redisPid }, dueAt)
    const deadline = dueAt + PATIENCE_MS
    for (;;) {
      const { finished, firstAt, lastAt } = await this.#worker.ask<Progress>('progress')
      if (finished >= count) {
        const perSecond = (count / (lastAt - dueAt)) * 1_000
        return { perSecond, firstMs: firstAt - dueAt, processorUs: processorsPerFire(count) }
      }
      if (Date.now() > deadline) throw new Error(`${finished} of ${count} jobs were done`)
      await sleep(20)
    }
  }

  async stop(): Promise<void> {
    await Promise.all([this.#worker.stop(), this.#seeder.stop()])
  }
}
