import { setTimeout as sleep } from 'node:timers/promises'
import { burstDueAt, watchProcessors } from './burst.ts'
import { type Child, startChild } from './child.ts'

export type ReferenceKind = 'empty' | 'got' | 'plain'

/** What a reference is started with. Its kind is also the prefix of its keys. */
export interface ReferenceStart {
  readonly redisUrl: string
  readonly kind: ReferenceKind
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

/** A worker that is less than ours, in a process of its own: see processes/bull-worker.ts and plain-worker.ts. */
export class ReferenceWorker {
  readonly #child: Child

  private constructor(child: Child) {
    this.#child = child
  }

  static async start(kind: ReferenceKind, redisUrl: string): Promise<ReferenceWorker> {
    const child = startChild(kind === 'plain' ? 'plain-worker' : 'bull-worker')
    const start: ReferenceStart = { redisUrl, kind }
    await child.ask('start', start)
    return new ReferenceWorker(child)
  }

  /** Adds so many delayed jobs that are due at once, and waits until all are done. */
  async burst(count: number, url: string, redisPid: number): Promise<ReferenceBurst> {
    const dueAt = burstDueAt(count)
    await this.#child.ask('seed', { count, url, dueAt })
    const processorsPerFire = await watchProcessors({ worker: this.#child.pid, redis: redisPid }, dueAt)
    const deadline = dueAt + PATIENCE_MS
    for (;;) {
      const { finished, firstAt, lastAt } = await this.#child.ask<Progress>('progress')
      if (finished >= count) {
        const perSecond = (count / (lastAt - dueAt)) * 1_000
        return { perSecond, firstMs: firstAt - dueAt, processorUs: processorsPerFire(count) }
      }
      if (Date.now() > deadline) throw new Error(`${finished} of ${count} jobs were done`)
      await sleep(20)
    }
  }

  stop(): Promise<void> {
    return this.#child.stop()
  }
}
