import { eventually } from '../time/eventually.ts'
import type { Change, ChangeKind, ConflictMode, Creation, Sweep, Wanted } from './answers.ts'
import { type ApiAnswer, contentOf } from './api-client.ts'
import { Clients, newTimer, type Question, type Wish } from './clients.ts'
import type { Listed, ListFilter } from './evidence.ts'
import type { TimerView } from './timer-view.ts'

/** A timer that a client wants to change: by its id, or by its own key. */
export interface Target {
  readonly id: number | { readonly ownKey: string }
  /** Stands in its URL. */
  readonly key: string
}

const PAGE = 500
const LIST_WITHIN = { timeoutMs: 20_000, intervalMs: 100 }

/** Clients that change what they have created, one timer at a time and many. None of it rejects. */
export class ChangingClients extends Clients {
  readonly changes: Change[] = []
  readonly sweeps: Sweep[] = []

  cancel(target: Target): Promise<Change> {
    return this.#change('cancel', target, {}, { method: 'DELETE', path: pathOf(target) })
  }

  /** `url` is that of the timer, without a version. */
  patch(target: Target, wanted: Wanted & { readonly url: string }): Promise<Change> {
    const { durationMs, at, version, url } = wanted
    const body = {
      ...(durationMs !== undefined && { in: `${durationMs / 1_000}s` }),
      ...(at !== undefined && { at: new Date(at).toISOString() }),
      ...(version !== undefined && contentOf(url, version)),
    }
    return this.#change('patch', target, wanted, { method: 'PATCH', path: pathOf(target), body })
  }

  fire(target: Target, idempotencyKey?: string): Promise<Change> {
    return this.#change(
      'fire',
      target,
      {},
      { method: 'POST', path: `${pathOf(target)}/fire`, idempotencyKey },
    )
  }

  resolve(target: Target, as: 'fired' | 'failed'): Promise<Change> {
    const body = { as, note: 'chaos' }
    return this.#change(
      'resolve',
      target,
      { as },
      { method: 'POST', path: `${pathOf(target)}/resolve`, body },
    )
  }

  /** `PUT /timers/by-key/{key}`. */
  upsert(wish: Wish & { readonly ownKey: string }, onConflict: ConflictMode): Promise<Creation> {
    const { ownKey, ...rest } = wish
    const body = { ...newTimer(rest), on_conflict: onConflict }
    return this.asking(wish, onConflict, () =>
      this.call({ method: 'PUT', path: `/timers/by-key/${ownKey}`, body }),
    )
  }

  /** Asks for many timers in one request, each with the idempotency key of its wish. */
  async batch(wishes: readonly Wish[]): Promise<void> {
    const timers = wishes.map((wish) => ({ ...newTimer(wish), idempotency_key: wish.idempotencyKey }))
    const asked = this.call({ method: 'POST', path: '/timers/batch', body: { timers } }).then(
      ({ status, body }) => {
        const results = body.results as BatchResult[] | undefined
        if (status === 207 && results?.length === wishes.length) return results
        return wishes.map((): BatchResult => ({ status: status === 207 ? 500 : status, problem: body }))
      },
    )
    await Promise.all(
      wishes.map((wish, index) =>
        this.asking(wish, undefined, async () => {
          const { status, timer, problem, ...rest } = (await asked)[index] as BatchResult
          const headers = new Headers(isReplayed(rest) ? { 'idempotent-replayed': 'true' } : {})
          return { status, headers, body: timer ?? problem ?? {} }
        }),
      ),
    )
  }

  /** Cancels, or sends again, all with a label, page by page. Ends where a page gets no answer. */
  async sweep(kind: Sweep['kind'], label: string, limit: number, perSecond?: number): Promise<Sweep> {
    const askedAt = Date.now()
    let done = 0
    let cursor: unknown
    const skipped: Sweep['skipped'][number][] = []
    for (;;) {
      const {
        body,
        replayed: _,
        ...page
      } = await this.tell({
        method: 'POST',
        path: `/timers/${kind}`,
        body: {
          filter: { label, status: kind === 'cancel' ? 'pending' : 'failed,unknown' },
          limit,
          ...(cursor !== undefined && { cursor }),
          ...(perSecond !== undefined && { per_second: perSecond }),
        },
      })
      const ok = page.answer === 200
      if (ok) {
        done += Number(body.done)
        skipped.push(...((body.skipped ?? []) as Sweep['skipped']))
        cursor = body.next_cursor
      }
      if (ok && cursor !== undefined && cursor !== null) continue
      const sweep = { kind, label, ...page, askedAt, complete: ok, done, skipped }
      this.sweeps.push(sweep)
      return sweep
    }
  }

  /** Every timer there is, or every one with a status or a label, page after page. Rejects where there is no list. */
  async list(filter: ListFilter = {}): Promise<Listed> {
    const ids: number[] = []
    const query = new URLSearchParams({ limit: String(PAGE), ...filter })
    for (;;) {
      const body = await this.#read(`/timers?${query}`)
      ids.push(...(body.timers as TimerView[]).map(({ id }) => id))
      if (typeof body.next_cursor !== 'string') return { ...filter, ids }
      query.set('cursor', body.next_cursor)
    }
  }

  /** How many timers of each status there are. */
  async counts(): Promise<Readonly<Record<string, number>>> {
    return (await this.#read('/stats')).counts as Record<string, number>
  }

  async #read(path: string): Promise<ApiAnswer['body']> {
    return eventually(async () => {
      const { status, body } = await this.call({ method: 'GET', path })
      if (status !== 200) throw new Error(`GET ${path}: ${status} ${JSON.stringify(body)}`)
      return body
    }, LIST_WITHIN)
  }

  async #change(kind: ChangeKind, { id, key }: Target, wanted: Wanted, question: Question): Promise<Change> {
    const { body, replayed, ...asked } = await this.tell(question)
    const named = typeof id === 'number' ? id : Number(body.id ?? body.timer_id ?? Number.NaN)
    const { durationMs, at, version, as } = wanted
    const change = {
      kind,
      key,
      id: Number.isNaN(named) ? undefined : named,
      ...asked,
      ...(replayed && { replayed }),
      ...toldBy(body),
      ...(durationMs !== undefined && { durationMs }),
      ...(at !== undefined && { at }),
      ...(version !== undefined && { version }),
      ...(as !== undefined && { as }),
    }
    this.changes.push(change)
    return change
  }
}

interface BatchResult {
  readonly status: number
  readonly timer?: ApiAnswer['body']
  readonly problem?: ApiAnswer['body']
}

function isReplayed(result: object): boolean {
  return Object.entries(result).some(([name, value]) => name.includes('replayed') && value === true)
}

/** A problem has the timer's status beside its own. */
function toldBy({ status, timer_status, due_at }: ApiAnswer['body']): Pick<Change, 'told'> {
  const told = [status, timer_status].find((one) => typeof one === 'string')
  if (typeof told !== 'string') return {}
  return { told: { status: told, ...(typeof due_at === 'string' && { dueAt: Date.parse(due_at) }) } }
}

function pathOf({ id }: Target): string {
  return typeof id === 'number' ? `/timers/${id}` : `/timers/by-key/${id.ownKey}`
}
