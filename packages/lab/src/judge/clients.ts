import { eventually } from '../time/eventually.ts'
import { postTimer, readTimer, redriveTimer } from './api-client.ts'
import type { Creation, Mode, Redrive, Telling, TimerView } from './evidence.ts'

/** A timer that a client is to ask for. */
export interface Wish {
  readonly key: string
  readonly seconds: number
  readonly url: string
  readonly mode?: Mode
  readonly maxAttempts?: number
}

const READERS = 16
const READ_WITHIN = { timeoutMs: 20_000, intervalMs: 100 }

/** Clients of the API that remember what they asked for and what they were told. The lists are live: do not change them. */
export class Clients {
  /** In the order of asking. */
  readonly creations: Creation[] = []
  readonly redrives: Redrive[] = []
  readonly tellings: Telling[] = []
  readonly #nextApi: () => string

  /** `nextApi` is the address of an API, asked anew for every request. */
  constructor(nextApi: () => string) {
    this.#nextApi = nextApi
  }

  get acknowledged(): Creation[] {
    return this.creations.filter((creation) => creation.acknowledged !== undefined)
  }

  get failed(): Creation[] {
    return this.creations.filter((creation) => creation.failure !== undefined)
  }

  /** Asks for one timer, once. Never rejects: failures stand in the log. */
  async ask({ key, seconds, url, mode, maxAttempts }: Wish): Promise<Creation> {
    const creation: Creation = {
      key,
      mode: mode ?? 'at_most_once',
      maxAttempts,
      durationMs: seconds * 1_000,
      askedAt: Date.now(),
      tookMs: undefined,
      acknowledged: undefined,
      failure: undefined,
    }
    this.creations.push(creation)
    const startedAt = performance.now()
    try {
      const { status, body } = await postTimer(this.#nextApi(), {
        seconds,
        url,
        ...(mode !== undefined && { delivery: mode }),
        ...(maxAttempts !== undefined && { max_attempts: maxAttempts }),
      })
      if (status === 201) {
        creation.acknowledged = { id: Number(body.id), dueAt: Date.parse(String(body.due_at)) }
      } else {
        creation.failure = String(body.code ?? status)
      }
    } catch {
      creation.failure = 'cut'
    }
    creation.tookMs = Math.round(performance.now() - startedAt)
    return creation
  }

  /** Asks once for a timer to be sent again. Never rejects. */
  async redrive(id: number): Promise<void> {
    const askedAt = Date.now()
    const answer = await redriveTimer(this.#nextApi(), id).then(
      ({ status }) => status,
      () => 'cut' as const,
    )
    this.redrives.push({ id, askedAt, answeredAt: Date.now(), answer })
  }

  /** Looks once how a timer is; undefined where there is no answer, or no such timer. */
  async look(id: number): Promise<TimerView | undefined> {
    const askedAt = Date.now()
    const view = await readTimer(this.#nextApi(), id).catch(() => undefined)
    if (view?.status === 'unknown') {
      this.tellings.push({ id, askedAt, answeredAt: Date.now(), attempts: view.attempts ?? 0 })
    }
    return view
  }

  /** What the API says of these timers. What it does not know is left out. */
  async read(ids: Iterable<number>): Promise<Map<number, TimerView>> {
    const left = [...ids]
    const views = new Map<number, TimerView>()
    const reader = async (): Promise<void> => {
      for (let id = left.pop(); id !== undefined; id = left.pop()) {
        const wanted = id
        const view = await eventually(() => readTimer(this.#nextApi(), wanted), READ_WITHIN)
        if (view !== undefined) views.set(wanted, view)
      }
    }
    await Promise.all(Array.from({ length: READERS }, reader))
    return views
  }
}
