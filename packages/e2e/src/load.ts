import { setTimeout as sleep } from 'node:timers/promises'
import { eventually } from '@timers/lab'
import { postTimer } from './api-client.ts'

/** One attempt of a client to create a timer, and what the client knows of it: the clients' own log. */
export interface Creation {
  /** Stands in the timer's URL, so that the receiver's log tells which creation a request belongs to. */
  readonly key: string
  readonly durationMs: number
  /** When the client asked, epoch milliseconds. */
  readonly askedAt: number
  /** What a 201 promised; undefined while there is none. */
  acknowledged: { readonly id: number; readonly dueAt: number } | undefined
  /** Why there will be no 201: a status of the API, or `cut` for a broken connection. */
  failure: number | 'cut' | undefined
  /** From asking to the answer. */
  tookMs: number | undefined
}

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
export class Load {
  /** One entry a creation, in the order of asking. The live list: do not change it. */
  readonly creations: Creation[] = []
  readonly #target: LoadTarget

  constructor(target: LoadTarget) {
    this.#target = target
  }

  get acknowledged(): Creation[] {
    return this.creations.filter((creation) => creation.acknowledged !== undefined)
  }

  get failed(): Creation[] {
    return this.creations.filter((creation) => creation.failure !== undefined)
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
  async create(seconds: number): Promise<Creation> {
    const creation: Creation = {
      key: `c${this.creations.length + 1}`,
      durationMs: seconds * 1_000,
      askedAt: Date.now(),
      acknowledged: undefined,
      failure: undefined,
      tookMs: undefined,
    }
    this.creations.push(creation)
    const startedAt = performance.now()
    try {
      const { apiUrl, receiver } = this.#target
      const { status, body } = await postTimer(apiUrl, {
        seconds,
        url: `${receiver.hookUrl}/${creation.key}`,
      })
      if (status === 201) {
        creation.acknowledged = { id: Number(body.id), dueAt: Date.parse(String(body.due_at)) }
      } else {
        creation.failure = status
      }
    } catch {
      creation.failure = 'cut'
    }
    creation.tookMs = performance.now() - startedAt
    return creation
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
