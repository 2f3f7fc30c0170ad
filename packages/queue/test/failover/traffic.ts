import type { Created } from '@timers/core'
import type { RedisTimerStore } from '../../src/timers/timer-store.ts'
import { firing } from '../firing.ts'
import { delivered, draft } from '../rig.ts'

const CREATE_EVERY_MS = 10
const READ_EVERY_MS = 20
const DUE_AFTER_MS = 300

/** An acknowledged timer: when that was, and when it is due; by `performance.now()`. */
interface Acknowledged {
  readonly at: number
  readonly dueAt: number
}

interface Sighting {
  readonly at: number
  readonly early: boolean
}

/** A read that was answered: when it was asked, and answered; by `performance.now()`. */
interface Read {
  readonly askedAt: number
  readonly at: number
}

/** Creates and reads at a steady rate, and what fires: who was told what when, by `performance.now()`. */
export class Traffic {
  readonly acknowledged = new Map<number, Acknowledged>()
  readonly sent = new Map<number, Sighting[]>()
  readonly reads: Read[] = []
  refused = 0
  readonly #store: RedisTimerStore
  readonly #under = new Set<Promise<void>>()
  #timers: NodeJS.Timeout[] = []

  constructor(store: RedisTimerStore) {
    this.#store = store
  }

  start(): void {
    this.#timers = [
      setInterval(() => void this.create(DUE_AFTER_MS), CREATE_EVERY_MS),
      setInterval(() => void this.#read(), READ_EVERY_MS),
    ]
  }

  /** Resolves when every create has its answer. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    await Promise.all(this.#under)
  }

  create(delayMs: number): Promise<void> {
    const create = this.#store
      .create(draft(delayMs))
      .then(
        ({ id, dueAt }: Created) => {
          const at = performance.now()
          this.acknowledged.set(id, { at, dueAt: at + dueAt - Date.now() })
        },
        () => {
          this.refused += 1
        },
      )
      .finally(() => this.#under.delete(create))
    this.#under.add(create)
    return create
  }

  async #read(): Promise<void> {
    const askedAt = performance.now()
    const [id = 1] = this.acknowledged.keys()
    await this.#store.find(id).then(
      () => this.reads.push({ askedAt, at: performance.now() }),
      () => {},
    )
  }

  readonly fire = firing(({ timer: { id, dueAt } }) => {
    const sentAt = Date.now()
    this.sent.set(id, [...(this.sent.get(id) ?? []), { at: performance.now(), early: sentAt < dueAt }])
    return delivered(sentAt)
  })

  /** Acknowledged, due by then, and not sent. */
  lost(until: number): number[] {
    return [...this.acknowledged]
      .filter(([id, { dueAt }]) => dueAt <= until && !this.sent.has(id))
      .map(([id]) => id)
  }

  get doubled(): number {
    return [...this.sent.values()].filter(({ length }) => length > 1).length
  }

  get early(): number {
    return [...this.sent.values()].flat().filter(({ early }) => early).length
  }
}
