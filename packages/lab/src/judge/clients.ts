import { eventually } from '../time/eventually.ts'
import type { ConflictMode, Creation, Miss, Redrive, Telling } from './answers.ts'
import { type ApiAnswer, callApi, contentOf, type NewTimer, readTimer } from './api-client.ts'
import type { Mode, TimerView } from './timer-view.ts'

/** A timer that a client is to ask for. */
export interface Wish {
  readonly key: string
  readonly seconds: number
  readonly url: string
  readonly mode?: Mode
  readonly maxAttempts?: number
  readonly version?: number | undefined
  readonly idempotencyKey?: string | undefined
  readonly ownKey?: string | undefined
  readonly labels?: readonly string[] | undefined
  readonly expiresIn?: number | undefined
  readonly callback?: { readonly url: string; readonly on: readonly string[] } | undefined
}

const READERS = 16
const READ_WITHIN = { timeoutMs: 20_000, intervalMs: 100 }

/** Clients of the API that remember what they asked for and what they were told. The lists are live: do not change them. */
export class Clients {
  /** In the order of asking. */
  readonly creations: Creation[] = []
  readonly redrives: Redrive[] = []
  readonly tellings: Telling[] = []
  readonly misses: Miss[] = []
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
  async ask(wish: Wish): Promise<Creation> {
    const { idempotencyKey } = wish
    return await this.asking(wish, undefined, () =>
      this.call({ method: 'POST', path: '/timers', body: newTimer(wish), idempotencyKey }),
    )
  }

  /** Asks once for a timer to be sent again. Never rejects. */
  async redrive(id: number, idempotencyKey?: string): Promise<void> {
    const {
      body: _body,
      replayed: _replayed,
      ...asked
    } = await this.tell({
      method: 'POST',
      path: `/timers/${id}/redrive`,
      idempotencyKey,
    })
    this.redrives.push({ id, ...asked, ...(idempotencyKey !== undefined && { idempotencyKey }) })
  }

  /** Looks once how a timer is, by its id or its own key; undefined where there is no answer, or no such timer. */
  async look(id: number | { readonly ownKey: string }): Promise<TimerView | undefined> {
    const path = typeof id === 'number' ? String(id) : `by-key/${id.ownKey}`
    const askedAt = Date.now()
    const view = await readTimer(this.#nextApi(), path).catch(() => 'no answer' as const)
    if (view === 'no answer') return undefined
    if (view === undefined) {
      this.misses.push(typeof id === 'number' ? { id, askedAt } : { id: undefined, ...id, askedAt })
    } else {
      const { status, attempts = 0 } = view
      this.tellings.push({ id: view.id, askedAt, answeredAt: Date.now(), status, attempts })
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

  /** Notes what was asked for, asks, and notes what was answered. */
  protected async asking(
    wish: Wish,
    onConflict: ConflictMode | undefined,
    ask: () => Promise<Pick<ApiAnswer, 'status' | 'body'> & Partial<ApiAnswer>>,
  ): Promise<Creation> {
    const creation = creationOf(wish, onConflict)
    this.creations.push(creation)
    const startedAt = performance.now()
    const answer = await ask().catch(() => undefined)
    creation.tookMs = Math.ceil(performance.now() - startedAt)
    if (answer === undefined) creation.failure = 'cut'
    else note(creation, answer)
    return creation
  }

  /** Rejects when the connection breaks. */
  protected call({ path, ...request }: Question): Promise<ApiAnswer> {
    return callApi({ ...request, url: this.#nextApi() + path })
  }

  /** Never rejects. */
  protected async tell(question: Question): Promise<Answered> {
    const askedAt = Date.now()
    const answer = await this.call(question).catch(() => undefined)
    const answeredAt = Date.now()
    if (answer === undefined) return { askedAt, answeredAt, answer: 'cut', replayed: false, body: {} }
    const { status, body } = answer
    const replayed = isReplay(answer)
    const code = typeof body.code === 'string' ? { code: body.code } : {}
    return { askedAt, answeredAt, answer: status, ...code, replayed, body }
  }
}

export interface Question {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly body?: unknown
  readonly idempotencyKey?: string | undefined
}

interface Answered {
  readonly askedAt: number
  readonly answeredAt: number
  readonly answer: number | 'cut'
  readonly code?: string
  readonly replayed: boolean
  readonly body: ApiAnswer['body']
}

/** The body with which a timer is asked for. */
export function newTimer(wish: Wish): NewTimer {
  const { seconds, url, mode, maxAttempts, version, ownKey, labels, expiresIn, callback } = wish
  return {
    seconds,
    ...contentOf(url, version),
    ...(mode !== undefined && { delivery: mode }),
    ...(maxAttempts !== undefined && { max_attempts: maxAttempts }),
    ...(ownKey !== undefined && { key: ownKey }),
    ...(labels !== undefined && { labels }),
    ...(expiresIn !== undefined && { expires_in: expiresIn }),
    ...(callback !== undefined && { callback }),
  }
}

function creationOf(wish: Wish, onConflict: ConflictMode | undefined): Creation {
  const { key, mode, maxAttempts, seconds, version, idempotencyKey, ownKey, labels, expiresIn, callback } =
    wish
  return {
    key,
    mode: mode ?? 'at_most_once',
    maxAttempts,
    durationMs: seconds * 1_000,
    askedAt: Date.now(),
    tookMs: undefined,
    acknowledged: undefined,
    failure: undefined,
    ...(onConflict !== undefined && { onConflict }),
    ...(version !== undefined && { version }),
    ...(idempotencyKey !== undefined && { idempotencyKey }),
    ...(ownKey !== undefined && { ownKey }),
    ...(labels !== undefined && { labels }),
    ...(expiresIn !== undefined && { expiresInMs: expiresIn * 1_000 }),
    ...(callback !== undefined && { callbackOn: callback.on }),
  }
}

function note(
  creation: Creation,
  { status, body, headers }: Pick<ApiAnswer, 'status' | 'body'> & Partial<ApiAnswer>,
): void {
  if (status !== 201 && status !== 200) {
    creation.failure = String(body.code ?? status)
    if (body.code === 'KEY_TAKEN') creation.takenBy = Number(body.timer_id)
    return
  }
  const previous = body.previous as { id: number; status: string } | undefined
  creation.acknowledged = {
    id: Number(body.id),
    dueAt: Date.parse(String(body.due_at)),
    ...(isReplay({ headers }) && { replayed: true }),
    ...(status === 200 && { met: true }),
    ...(previous !== undefined && { previous: { id: Number(previous.id), status: previous.status } }),
  }
}

function isReplay({ headers }: { readonly headers?: Headers | undefined }): boolean {
  return headers?.get('idempotent-replayed') === 'true'
}
