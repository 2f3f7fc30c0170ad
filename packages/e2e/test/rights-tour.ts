import { DASHBOARD_PASSWORD, DASHBOARD_USER, eventually, type Receiver, readTimer } from '@timers/lab'
import { ask, atInstant } from '../src/changes.ts'
import { getWithLogin } from '../src/dashboard-client.ts'

/** Where a tour goes. */
export interface TourPlaces {
  readonly apiUrl: string
  readonly receiver: Receiver
  /** A port where nobody listens. */
  readonly closedPort: number
}

/** Answers as the path of a timer's URL says; any other path means 200. */
export function answerByPath({ path }: { readonly path: string }) {
  const [, what = ''] = path.split('/')
  if (what === 'hang') return 'hang'
  if (what === 'reset') return 'reset'
  return { status: Number(/^\d{3}$/.exec(what)?.[0] ?? 200) }
}

/**
 * Everything that a client can ask for and that can become of a timer, once: what it takes of Redis is what the services need
 * of it.
 */
export class RightsTour {
  readonly #places: TourPlaces

  constructor(places: TourPlaces) {
    this.#places = places
  }

  /** All that a client can do with timers that wait. */
  async waiting(): Promise<void> {
    const first = { hours: 1, url: this.#url('200'), key: 'first', labels: ['tour'], payload: { a: 1 } }
    const told = { callback: { url: this.#url('200') }, expires_in: 60 }
    const { id } = await this.#create({ ...first, ...told }, 'once')
    await this.#create({ ...first, ...told }, 'once')
    await this.#do('POST', '/timers', 409, first)
    for (const key of ['a', 'b', 'c', 'd']) await this.#create({ ...first, key }, `once-${key}`)
    await this.#do('POST', '/timers/batch', 207, {
      timers: [
        { hours: 1, url: this.#url('200'), labels: ['many'], idempotency_key: 'one' },
        { hours: 1, url: this.#url('200'), labels: ['many'], key: 'two', idempotency_key: 'two' },
        { hours: 1, url: this.#url('200'), labels: ['many'] },
      ],
    })
    await this.#do('PUT', '/timers/by-key/mine', 201, { hours: 1, url: this.#url('200') })
    await this.#do('PUT', '/timers/by-key/mine', 200, { hours: 2, url: this.#url('200'), labels: ['tour'] })
    await this.#do('GET', '/timers/by-key/mine', 200)
    await this.#do('PATCH', '/timers/by-key/mine', 200, { hours: 3, labels: ['many'], payload: null })
    await this.#do('DELETE', '/timers/by-key/mine', 200)
    await this.#do('PATCH', `/timers/${id}`, 200, { callback: null, expires_in: null })
    await this.#do('POST', `/timers/${id}/fire`, 202)
    await this.#do('POST', '/timers/cancel', 200, { filter: { label: 'many' }, dry_run: true })
    await this.#do('POST', '/timers/cancel', 200, { filter: { label: 'many' } })
    await this.#ended([id], 'fired')
    await this.#look()
  }

  /** All that can become of timers that are due. */
  async due(): Promise<void> {
    const { closedPort } = this.#places
    const create = (seconds: number, what: string, fields: object = {}) =>
      this.#create({ seconds, url: this.#url(what), ...fields })
    const callback = { url: this.#url('200'), on: ['fired', 'failed', 'unknown'] }
    const refused = { ...callback, url: this.#url('404') }
    const untold = { ...callback, url: `http://127.0.0.1:${closedPort}` }
    const fired = await create(1, '200', { callback, labels: ['due'] })
    const failed = await create(1, '404', { callback: refused, key: 'failing', labels: ['due'] })
    const unknown = await create(1, 'reset', { callback, labels: ['due'] })
    const resolved = await create(1, 'reset', { callback: untold })
    const retried = await create(1, '500', { delivery: 'at_least_once', max_attempts: 2 })
    const cancelled = await create(1, '500', { delivery: 'at_least_once', max_attempts: 9, labels: ['due'] })
    const unreached = await this.#create({
      seconds: 1,
      url: `http://127.0.0.1:${closedPort}`,
      labels: ['due'],
    })
    await this.#ended([fired.id], 'fired')
    await this.#ended([failed.id], 'failed')
    await this.#ended([unknown.id, resolved.id], 'unknown')
    await this.#tried([retried.id, cancelled.id, unreached.id])
    await this.#look()
    // Their next attempt may be under way.
    await this.#again(() => this.#do('DELETE', `/timers/${cancelled.id}`, 200))
    await this.#again(() => this.#do('PATCH', `/timers/${unreached.id}`, 200, { hours: 1 }))
    await ask('POST', `${this.#places.apiUrl}/timers/${retried.id}/fire`)
    await this.#ended([retried.id], 'failed')
    await this.#do('POST', `/timers/${resolved.id}/resolve`, 200, { as: 'fired', note: 'seen' })
    await this.#do('POST', `/timers/${unknown.id}/redrive`, 202, undefined, 'again')
    await this.#do('POST', `/timers/${unknown.id}/redrive`, 202, undefined, 'again')
    await this.#do('POST', '/timers/redrive', 200, { filter: { status: 'failed' }, per_second: 10 })
    await this.#ended([failed.id], 'failed')
    await this.#ended([unknown.id], 'unknown')
    await this.#do('PUT', '/timers/by-key/failing', 201, { hours: 1, url: this.#url('200') })
    await this.#look()
  }

  /** Asks for each of the first timers. */
  async read(): Promise<void> {
    await Promise.allSettled([1, 2, 3].map((id) => readTimer(this.#places.apiUrl, id)))
  }

  /** Some timers, from their creation to their end. `meanwhile` is told when the first is due. */
  async few(meanwhile: (dueAt: number) => Promise<void> = async () => {}): Promise<void> {
    const create = () => this.#again(() => this.#create({ seconds: 1, url: this.#url('200') }))
    const timers = await Promise.all(Array.from({ length: 6 }, create))
    await meanwhile(Math.min(...timers.map(({ due_at }) => Date.parse(due_at))))
    await this.#ended(
      timers.map(({ id }) => id),
      'fired',
    )
    await this.#look()
  }

  /**
   * Timers that their worker dies over, one that its receiver's limit holds back, and one that comes due while there is no
   * worker. @returns their ids
   */
  async abandoned(
    workerUrl: string,
    kill: () => Promise<unknown>,
  ): Promise<{ firing: readonly number[]; expired: number }> {
    const hanging = () => this.#create({ seconds: 1, url: this.#url('hang') })
    const timers = [await hanging(), await hanging(), await hanging()]
    await this.#create({ seconds: 1, url: this.#url('hang'), delivery: 'at_least_once' })
    // The worker counts while some are in its hands and others held back.
    await eventually(
      async () => {
        const metrics = await (await fetch(`${workerUrl}/metrics`)).text()
        expect(Number(/^timers_deferred\{.*\} (\d+)$/m.exec(metrics)?.[1])).toBeGreaterThan(0)
        expect(Number(/^timers_callbacks_pending\{.*\} (\d+)$/m.exec(metrics)?.[1])).toBeGreaterThan(0)
      },
      { timeoutMs: 45_000 },
    )
    await this.#look()
    await kill()
    const arrived = new Set(this.#places.receiver.requests.map(({ id }) => id))
    const expired = await this.#create({ seconds: 1, url: this.#url('200'), expires_in: 1 })
    await atInstant(Date.parse(expired.due_at) + 1_500, async () => {})
    return { firing: timers.map(({ id }) => id).filter((id) => arrived.has(id)), expired: expired.id }
  }

  /** Timers that their worker has in hand, and dies over; and some that come due after that, one for a retry. */
  async leftOver(kill: () => Promise<unknown>): Promise<void> {
    const told = { callback: { url: this.#url('200'), on: ['unknown'] }, labels: ['left'] }
    const hanging = await this.#create({ seconds: 1, url: this.#url('hang'), key: 'left', ...told })
    await eventually(() =>
      expect(this.#places.receiver.requests).toContainEqual(expect.objectContaining({ id: hanging.id })),
    )
    const unreached = await this.#create({ seconds: 1, url: `http://127.0.0.1:${this.#places.closedPort}` })
    await this.#tried([unreached.id])
    await kill()
    const { due_at: dueAt } = await this.#create({ seconds: 1, url: this.#url('200'), ...told })
    const view = await readTimer(this.#places.apiUrl, unreached.id)
    const retryAt = view?.next_attempt_at ?? dueAt
    await atInstant(Math.max(Date.parse(dueAt), Date.parse(retryAt)) + 1, async () => {})
  }

  /** A timer that a worker had taken and not claimed as it died: it can be cancelled. `take` does what the worker did. */
  async taken(take: (id: number) => Promise<unknown>): Promise<void> {
    const { id } = await this.#create({ hours: 1, url: this.#url('200') })
    await take(id)
    await this.#do('DELETE', `/timers/${id}`, 200)
  }

  /** Waits until another worker has settled what the lost one left. */
  async settled({ firing, expired }: { firing: readonly number[]; expired: number }): Promise<void> {
    await this.#ended(firing, 'unknown')
    await this.#ended([expired], 'expired')
  }

  /** Waits until a finished timer was removed. */
  async removed(): Promise<void> {
    const { id } = await this.#create(
      { seconds: 1, url: this.#url('200'), key: 'gone', labels: ['gone'] },
      'gone',
    )
    await eventually(async () => expect(await readTimer(this.#places.apiUrl, id)).toBeUndefined(), {
      timeoutMs: 30_000,
    })
  }

  /** Every page of the dashboard. */
  async dashboard(url: string): Promise<void> {
    const get = (path: string) => getWithLogin(url + path, DASHBOARD_USER, DASHBOARD_PASSWORD)
    const pages = [
      'redis/stats',
      'queues',
      'job-schedulers',
      'queues/shard%200/workers',
      'queues/shard%200/metrics',
    ]
    const lists = ['latest', 'active', 'waiting', 'delayed', 'completed', 'failed'].map(
      (status) => `queues?activeQueue=shard%200&status=${status}&page=1&jobsPerPage=10`,
    )
    for (const path of [...pages, ...lists]) {
      const answer = await get(`/api/${path}`)
      // Some of its pages are switched off.
      if (answer.status === 403 || answer.status === 404) continue
      if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
      const { queues = [] } = (await answer.json()) as { queues?: { jobs: { id: string }[] }[] }
      const job = queues.flatMap(({ jobs }) => jobs)[0]
      if (job === undefined) continue
      for (const part of ['', '/logs', '/flow']) await get(`/api/queues/shard%200/${job.id}${part}`)
    }
  }

  async #look(): Promise<void> {
    const from = new Date(Date.now() - 60_000).toISOString()
    const to = new Date(Date.now() + 7_200_000).toISOString()
    const filters = [
      '',
      'status=pending',
      'status=firing,fired,failed',
      'status=unknown,cancelled,expired',
      'label=tour&order=desc',
      'label=due&status=pending',
      `due_after=${from}&due_before=${to}&order=desc&limit=3`,
      `origin=${this.#places.receiver.url}&limit=2`,
    ]
    for (const filter of filters) await this.#do('GET', `/timers?${filter}`, 200)
    await this.#do('GET', '/stats', 200)
    // Timers are counted when somebody asks for the metrics.
    expect((await fetch(`${this.#places.apiUrl}/metrics`)).status).toBe(200)
    await this.#do('GET', `/forecast?from=${from}&to=${to}&bucket=60`, 200)
  }

  #url(what: string): string {
    return `${this.#places.receiver.url}/${what}`
  }

  async #create(timer: object, idempotencyKey?: string): Promise<{ id: number; due_at: string }> {
    const answer = await this.#do('POST', '/timers', 201, timer, idempotencyKey)
    return answer as { id: number; due_at: string }
  }

  async #do(method: string, path: string, status: number, body?: object, key?: string) {
    const headers = key === undefined ? {} : { 'idempotency-key': key }
    const answer = await ask(method, this.#places.apiUrl + path, body, headers)
    if (answer.status !== status) {
      throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    }
    return answer.body
  }

  async #ended(ids: readonly number[], status: string): Promise<void> {
    await eventually(
      async () => {
        const views = await Promise.all(ids.map((id) => readTimer(this.#places.apiUrl, id)))
        expect(views.map((view) => view?.status)).toEqual(ids.map(() => status))
      },
      { timeoutMs: 30_000, intervalMs: 100 },
    )
  }

  /** Until it works: a failover, or an attempt, takes its time. */
  #again<T>(action: () => Promise<T>): Promise<T> {
    return eventually(action, { timeoutMs: 15_000, intervalMs: 200 })
  }

  async #tried(ids: readonly number[]): Promise<void> {
    await eventually(async () => {
      const views = await Promise.all(ids.map((id) => readTimer(this.#places.apiUrl, id)))
      for (const view of views) expect(view?.attempt_log.length).toBeGreaterThan(0)
    })
  }
}
