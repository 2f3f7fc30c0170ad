import { setTimeout as sleep } from 'node:timers/promises'
import type { Creation, TimerView } from './evidence.ts'
import type { PlannedCreate } from './load-plan.ts'
import { keyFor } from './receivers.ts'

export interface ClientsOptions {
  /** Address of an API, another one for each turn; undefined while it has none. */
  readonly apiUrl: (turn: number) => string | undefined
  readonly urlFor: (create: PlannedCreate, key: string) => string
}

/** Longer than any answer of the API may take. */
const PATIENCE_MS = 6_000
/** Waits before the second, third... try, in milliseconds. */
const TRY_AGAIN_AFTER_MS = [300, 1_000, 2_500]
const READERS = 16
const READ_WITHIN_MS = 20_000

/** Clients that create timers, remember what they were promised, and try again where nothing was promised. */
export class Clients {
  /** The live list: do not change it. */
  readonly creations: Creation[] = []
  readonly #options: ClientsOptions
  #open = 0

  constructor(options: ClientsOptions) {
    this.#options = options
  }

  /** Requests without an answer. */
  get open(): number {
    return this.#open
  }

  /** Creates one timer, with new tries at another API where one fails. Never rejects. */
  async create(planned: PlannedCreate): Promise<void> {
    for (let tries = 0; ; tries += 1) {
      const creation = await this.#try(planned, tries)
      this.creations.push(creation)
      const waitMs = TRY_AGAIN_AFTER_MS[tries]
      if (creation.acknowledged !== undefined || waitMs === undefined) return
      await sleep(waitMs)
    }
  }

  async #try(planned: PlannedCreate, tries: number): Promise<Creation> {
    const key = keyFor(planned, tries)
    const { behaviour, door, mode, maxAttempts, seconds } = planned
    const askedAt = Date.now()
    const startedAt = performance.now()
    this.#open += 1
    const answer = await this.#ask(planned, key, planned.index + tries).catch(() => ({ failure: 'cut' }))
    this.#open -= 1
    const tookMs = Math.round(performance.now() - startedAt)
    return {
      key,
      behaviour,
      door,
      mode,
      maxAttempts,
      durationMs: seconds * 1_000,
      askedAt,
      tookMs,
      ...answer,
    }
  }

  async #ask(
    { seconds, mode, maxAttempts, ...planned }: PlannedCreate,
    key: string,
    turn: number,
  ): Promise<Pick<Creation, 'acknowledged' | 'failure'>> {
    const apiUrl = this.#options.apiUrl(turn)
    if (apiUrl === undefined) return { failure: 'cut' }
    const url = this.#options.urlFor({ seconds, mode, maxAttempts, ...planned }, key)
    const response = await fetch(`${apiUrl}/timers`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ seconds, url, delivery: mode, max_attempts: maxAttempts }),
      signal: AbortSignal.timeout(PATIENCE_MS),
    })
    const body = (await response.json()) as Record<string, unknown>
    if (response.status !== 201) return { failure: String(body.code ?? response.status) }
    return { acknowledged: { id: Number(body.id), dueAt: Date.parse(String(body.due_at)) } }
  }

  /** What the API says of these timers. What it does not know is left out. */
  async read(ids: Iterable<number>): Promise<Map<number, TimerView>> {
    const left = [...ids]
    const views = new Map<number, TimerView>()
    const reader = async (): Promise<void> => {
      for (let id = left.pop(); id !== undefined; id = left.pop()) {
        const view = await this.#readOne(id)
        if (view !== undefined) views.set(id, view)
      }
    }
    await Promise.all(Array.from({ length: READERS }, reader))
    return views
  }

  async #readOne(id: number): Promise<TimerView | undefined> {
    const deadline = performance.now() + READ_WITHIN_MS
    for (let turn = id; ; turn += 1) {
      const url = this.#options.apiUrl(turn)
      const response = await fetch(`${url}/timers/${id}`, { signal: AbortSignal.timeout(PATIENCE_MS) }).catch(
        () => undefined,
      )
      if (response?.status === 404) return undefined
      if (response?.status === 200) return (await response.json()) as TimerView
      await response?.body?.cancel()
      if (performance.now() > deadline)
        throw new Error(`GET /timers/${id}: ${response?.status ?? 'no answer'}`)
      await sleep(100)
    }
  }
}
