import { setTimeout as sleep } from 'node:timers/promises'
import { Clients, type Creation, eventually } from '@timers/lab'

export interface LoadTarget {
  /** Address of an API, asked anew for every timer. */
  readonly apiUrl: string
  readonly receiver: { readonly hookUrl: string }
}

export interface LoadPlan {
  readonly count: number
  /** The creations are spread evenly over this time. 0 asks for all at once. */
  readonly overMs: number
  /** Durations are whole seconds, from the first to the second, both included. */
  readonly seconds: readonly [number, number]
}

/** Clients that create timers over HTTP and remember what they were promised. They do not try again. */
export class Load extends Clients {
  readonly #target: LoadTarget

  constructor(target: LoadTarget) {
    super(() => target.apiUrl)
    this.#target = target
  }

  /** Due time of the timer that is due last, epoch milliseconds. */
  get lastDueAt(): number {
    return Math.max(...this.acknowledged.map((creation) => creation.acknowledged?.dueAt ?? 0))
  }

  /** Runs the plan; resolves when every client has its answer, or knows that it gets none. */
  async run({ count, overMs, seconds: [shortest, longest] }: LoadPlan): Promise<void> {
    const startedAt = performance.now()
    const asking: Promise<Creation>[] = []
    for (let index = 0; index < count; index += 1) {
      const waitMs = startedAt + (index * overMs) / count - performance.now()
      if (waitMs > 0) await sleep(waitMs)
      asking.push(this.create(shortest + (index % (longest - shortest + 1))))
    }
    await Promise.all(asking)
  }

  /** One timer. Never rejects: failures stand in the log. */
  create(seconds: number): Promise<Creation> {
    const key = `c${this.creations.length + 1}`
    return this.ask({ key, seconds, url: `${this.#target.receiver.hookUrl}/${key}` })
  }

  /** Waits until so many creations were acknowledged. */
  async untilAcknowledged(count: number): Promise<void> {
    await until(() => this.acknowledged.length, count, 'acknowledged')
  }

  /** Waits until so many creations have failed. */
  async untilFailed(count: number): Promise<void> {
    await until(() => this.failed.length, count, 'failed')
  }
}

function until(have: () => number, want: number, what: string): Promise<void> {
  return eventually(
    () => {
      if (have() < want) throw new Error(`${have()} creations ${what}, waiting for ${want}`)
    },
    { timeoutMs: 15_000, intervalMs: 1 },
  )
}
