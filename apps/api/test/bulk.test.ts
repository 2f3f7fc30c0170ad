import { setTimeout as sleep } from 'node:timers/promises'
import { eventually, startTcpProxy, startTestRedis, type TestRedis } from '@timers/lab'
import { startHand } from './hand.ts'
import { startTestApi, type TestApi } from './test-api.ts'

/** The promise: an answer within two seconds, whatever Redis does. */
const PROMISED_MS = 2_000
const HOST = 'https://example.com'

let redis: TestRedis
let api: TestApi
let closers: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  redis = await startTestRedis()
})
afterAll(() => redis.stop())
afterEach(async () => {
  for (const close of closers.reverse()) await close()
  closers = []
})

/** An API on an empty Redis; `hands` take what is due. */
async function open({ shards = 1, hands = 0, port = redis.port } = {}): Promise<void> {
  await redis.flush()
  api = await startTestApi({
    redisUrl: `redis://127.0.0.1:${port}`,
    env: { TIMER_SHARDS: String(shards) },
  })
  closers.push(() => api.close())
  await api.ready()
  for (let hand = 0; hand < hands; hand += 1) {
    const started = await startHand(redis.url)
    closers.push(() => started.stop())
  }
}

interface Step {
  readonly matched: number
  readonly done: number
  readonly skipped: readonly { readonly id: number; readonly code: string }[]
  readonly next_cursor?: string
}

async function post(url: string, payload: object, headers: Record<string, string> = {}) {
  const reply = await api.app.inject({ method: 'POST', url, payload, headers })
  return { status: reply.statusCode, body: reply.json() }
}

async function step(path: string, payload: object, headers: Record<string, string> = {}): Promise<Step> {
  const { status, body } = await post(path, payload, headers)
  expect([status, body]).toEqual([200, expect.objectContaining({ done: expect.any(Number) })])
  return body
}

/** All steps until there is no cursor. */
async function walk(path: string, payload: object): Promise<Step[]> {
  const steps: Step[] = []
  for (let cursor: string | undefined; steps.length === 0 || cursor !== undefined; ) {
    const next = await step(path, { ...payload, cursor })
    steps.push(next)
    cursor = next.next_cursor
  }
  return steps
}

const sum = (steps: readonly Step[]) => ({
  matched: steps.reduce((total, { matched }) => total + matched, 0),
  done: steps.reduce((total, { done }) => total + done, 0),
  skipped: steps.flatMap(({ skipped }) => skipped),
})

/** Creates timers of an hour, or as `timerOf` has it. Their ids. */
async function create(count: number, timerOf: (index: number) => object = () => ({})): Promise<number[]> {
  const ids: number[] = []
  for (let from = 0; from < count; from += 1_000) {
    const timers = Array.from({ length: Math.min(1_000, count - from) }, (_, index) => {
      const more = timerOf(from + index)
      return { url: `${HOST}/hook`, ...('at' in more ? {} : { hours: 1 }), ...more }
    })
    const { body } = await post('/timers/batch', { timers })
    for (const { timer } of body.results) ids.push(timer.id)
  }
  return ids
}

/** Creates timers that end so, and waits until they have. */
async function ended(
  status: 'fired' | 'failed' | 'unknown',
  count: number,
  more: object = {},
): Promise<number[]> {
  const at = new Date().toISOString()
  const ids = await create(count, () => ({ at, url: `${HOST}/${status}`, ...more }))
  await eventually(async () => expect(await statusesOf(ids)).toEqual({ [status]: count }), {
    timeoutMs: 10_000,
  })
  return ids
}

async function statusesOf(ids: readonly number[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const timer of await Promise.all(ids.map((id) => api.find(id)))) {
    const status = timer?.status ?? 'missing'
    counts[status] = (counts[status] ?? 0) + 1
  }
  return counts
}

const NOTHING = { matched: 0, done: 0, skipped: [] }

describe('POST /timers/cancel', () => {
  const path = '/timers/cancel'

  it('cancels 3,000 timers of a label over several shards, a step after the other, and no other', async () => {
    await open({ shards: 3 })
    const ids = await create(3_000, (index) => ({
      labels: ['mine', `n${index % 2}`],
      expires_in: 1 + (index % 7),
    }))
    const others = await create(10, () => ({ labels: ['theirs'] }))
    const steps = await walk(path, { filter: { label: 'mine' }, limit: 700 })
    expect(steps.length).toBeGreaterThanOrEqual(5)
    for (const { matched } of steps) expect(matched).toBeLessThanOrEqual(700)
    expect(sum(steps)).toEqual({ matched: 3_000, done: 3_000, skipped: [] })
    expect(await statusesOf(ids)).toEqual({ cancelled: 3_000 })
    expect(await statusesOf(others)).toEqual({ pending: 10 })
    expect(await step(path, { filter: { label: 'mine' } })).toEqual(NOTHING)
  })

  it('acts on an origin and a range of due times', async () => {
    await open({ shards: 2 })
    const due = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString()
    const timerOf = (origin: string, minutes: number) => ({ at: due(minutes), url: `${origin}/a` })
    const [early] = await create(1, () => timerOf(HOST, 10))
    const within = await create(5, () => timerOf(HOST, 30))
    const elsewhere = await create(1, () => timerOf('https://other.example', 30))
    const late = await create(1, () => timerOf(HOST, 50))
    const filter = { origin: HOST, due_after: due(20), due_before: due(40) }
    expect(sum(await walk(path, { filter }))).toEqual({ matched: 5, done: 5, skipped: [] })
    expect(await statusesOf(within)).toEqual({ cancelled: 5 })
    expect(await statusesOf([early as number, ...elsewhere, ...late])).toEqual({ pending: 3 })
  })

  it('counts and does nothing in a dry run', async () => {
    await open()
    const ids = await create(25, () => ({ labels: ['dry'] }))
    const steps = await walk(path, { filter: { label: 'dry' }, limit: 10, dry_run: true })
    expect(sum(steps)).toEqual({ matched: 25, done: 0, skipped: [] })
    expect(await statusesOf(ids)).toEqual({ pending: 25 })
    expect(sum(await walk(path, { filter: { label: 'dry' } }))).toEqual({
      matched: 25,
      done: 25,
      skipped: [],
    })
  })

  it('takes only what is not finished, and tells of finished ones where they are asked for', async () => {
    await open({ hands: 1 })
    const fired = await ended('fired', 2)
    const unknown = await ended('unknown', 1)
    const pending = await create(3)
    const all = { due_after: '2020-01-01T00:00:00Z' }
    const named = { ...all, status: 'pending,fired,unknown' }
    expect(sum(await walk(path, { filter: named, dry_run: true })).matched).toBe(6)
    const { matched, done, skipped } = sum(await walk(path, { filter: named }))
    expect([matched, done]).toEqual([6, 3])
    expect(skipped.sort((a, b) => a.id - b.id)).toEqual(
      [...fired, ...unknown].map((id) => ({ id, code: 'ALREADY_FINISHED' })),
    )
    expect(await statusesOf(pending)).toEqual({ cancelled: 3 })
    expect(sum(await walk(path, { filter: all }))).toEqual(NOTHING)
  })

  it.each<[string, object, string, RegExp]>([
    ['no filter', {}, 'INVALID_FILTER', /^filter must name at least one of status/],
    ['an empty filter', { filter: {} }, 'INVALID_FILTER', /^filter must name at least one/],
    ['a filter that is none', { filter: { colour: 'red' } }, 'INVALID_FILTER', /colour/],
    ['a status that is none', { filter: { status: 'late' } }, 'INVALID_FILTER', /status/],
    ['a list', { filter: ['label'] }, 'INVALID_BODY', /^filter must be an object/],
    ['no step at all', { filter: { label: 'a' }, limit: 0 }, 'INVALID_BODY', /^limit must be/],
    ['more than a step', { filter: { label: 'a' }, limit: 1_001 }, 'INVALID_BODY', /from 1 to 1000/],
    ['a cursor that is none', { filter: { label: 'a' }, cursor: 'x' }, 'INVALID_CURSOR', /next_cursor/],
    ['a pace', { filter: { label: 'a' }, per_second: 1 }, 'INVALID_BODY', /not a field of a bulk cancel/],
  ])('refuses %s', async (_name, payload, code, detail) => {
    if (closers.length === 0) await open()
    const { status, body } = await post(path, payload)
    expect([status, body.code, body.detail]).toEqual([400, code, expect.stringMatching(detail)])
  })

  it('refuses a cursor of another filter, and one of a list', async () => {
    await open()
    await create(3, () => ({ labels: ['a', 'b'] }))
    const { next_cursor: cursor } = await step(path, { filter: { label: 'a' }, limit: 1, dry_run: true })
    expect(cursor).toEqual(expect.any(String))
    const refused = await post(path, { filter: { label: 'b' }, cursor })
    expect([refused.status, refused.body.code]).toEqual([400, 'INVALID_CURSOR'])
  })

  it('what it says is cancelled is never sent, and what it skips is, while workers take the same timers', async () => {
    await open({ hands: 2 })
    const dueAt = Date.now() + 1_500
    const ids = await create(600, (index) => ({
      at: new Date(dueAt + (index % 40)).toISOString(),
      labels: ['race'],
    }))
    const steps: Step[] = []
    while (Date.now() < dueAt - 5) await sleep(1)
    while (Date.now() < dueAt + 200) steps.push(await step(path, { filter: { label: 'race' }, limit: 60 }))
    const ends = async () => expect(Object.keys(await statusesOf(ids)).sort()).toEqual(['cancelled', 'fired'])
    await eventually(ends, { timeoutMs: 20_000 })
    const { done, skipped } = sum(steps)
    const timers = await Promise.all(ids.map((id) => api.find(id)))
    const cancelled = timers.filter((timer) => timer?.status === 'cancelled')
    expect(cancelled).toHaveLength(done)
    expect(done).toBeGreaterThan(0)
    expect(cancelled.every((timer) => timer?.attempts === 0 && timer.firedAt === undefined)).toBe(true)
    const others = new Map(timers.map((timer) => [timer?.id, timer?.status]))
    for (const { id, code } of skipped) {
      expect(code).toMatch(/^ALREADY_(FIRING|FINISHED)$/)
      expect(others.get(id)).toBe('fired')
    }
  })

  it('tells what was done where Redis is cut away in the middle, and goes on from there', async () => {
    const proxy = await startTcpProxy({ targetPort: redis.port })
    closers.push(() => proxy.close())
    await open({ port: proxy.port })
    const ids = await create(400, () => ({ labels: ['cut'] }))
    const cancelled = async () => (await redis.command('ZCARD', 'timers:{0}:cancelled')) as number
    proxy.setDelay(10)
    const answer = post(path, { filter: { label: 'cut' } })
    // More than the steps that go out at first: some were answered by then.
    await eventually(async () => expect(await cancelled()).toBeGreaterThan(100))
    const startedAt = performance.now()
    await proxy.setMode('refuse')
    const { status, body } = await answer
    expect(performance.now() - startedAt).toBeLessThan(PROMISED_MS)
    expect(status).toBe(200)
    expect(body.done).toBeGreaterThan(0)
    expect(body.matched).toBe(body.done)
    expect(body.next_cursor).toEqual(expect.any(String))

    proxy.setDelay(0)
    await proxy.setMode('forward')
    await api.ready()
    await eventually(async () => {
      const steps = await walk(path, { filter: { label: 'cut' }, cursor: body.next_cursor })
      expect(sum(steps).skipped).toEqual([])
    })
    expect(await statusesOf(ids)).toEqual({ cancelled: 400 })
  })

  it('answers 503 within two seconds where nothing could be done', async () => {
    await open()
    await create(3, () => ({ labels: ['hung'] }))
    redis.pause()
    const startedAt = performance.now()
    const { status, body } = await post(path, { filter: { label: 'hung' } })
    redis.resume()
    expect(performance.now() - startedAt).toBeLessThan(PROMISED_MS)
    expect([status, body.code, body.detail]).toEqual([
      503,
      'STORE_UNAVAILABLE',
      expect.stringMatching(/Send the request again/),
    ])
  })
})

describe('POST /timers/redrive', () => {
  const path = '/timers/redrive'
  const filter = { due_after: '2020-01-01T00:00:00Z' }

  it('sends what is failed or unknown again, and nothing else', async () => {
    await open({ hands: 1 })
    const again = [...(await ended('failed', 3)), ...(await ended('unknown', 2))]
    const fired = await ended('fired', 2)
    await create(2)
    expect(sum(await walk(path, { filter, dry_run: true }))).toEqual({ matched: 5, done: 0, skipped: [] })
    expect(sum(await walk(path, { filter }))).toEqual({ matched: 5, done: 5, skipped: [] })
    await eventually(async () => {
      for (const id of again) expect((await api.find(id))?.attempts).toBe(2)
    })
    for (const id of fired) expect((await api.find(id))?.attempts).toBe(1)
  })

  it('skips what is asked for by its status and cannot be sent again, with the reason', async () => {
    await open({ hands: 1 })
    const [fired] = await ended('fired', 1)
    const [failed] = await ended('failed', 1, { key: 'k' })
    const [holder] = await create(1, () => ({ key: 'k' }))
    const { matched, done, skipped } = sum(
      await walk(path, { filter: { status: ['fired', 'failed', 'pending'] } }),
    )
    expect([matched, done]).toEqual([3, 0])
    expect(skipped.sort((a, b) => a.id - b.id)).toEqual([
      { id: fired, code: 'NOT_REDRIVABLE' },
      { id: failed, code: 'KEY_TAKEN' },
      { id: holder, code: 'NOT_REDRIVABLE' },
    ])
  })

  it('sends so many a second, over all steps', async () => {
    await open({ hands: 1 })
    const ids = await ended('failed', 30)
    const [hand] = closers.splice(-1)
    await hand?.()
    const startedAt = Date.now()
    const steps = await walk(path, { filter, limit: 7, per_second: 10 })
    expect(steps.length).toBeGreaterThanOrEqual(5)
    expect(sum(steps)).toEqual({ matched: 30, done: 30, skipped: [] })
    const timers = await Promise.all(ids.map((id) => api.find(id)))
    const at = timers.map((timer) => timer?.nextAttemptAt ?? 0).sort((a, b) => a - b)
    expect(at[0]).toBeGreaterThanOrEqual(startedAt)
    for (const [index, next] of at.slice(1).entries()) {
      expect(next - (at[index] as number)).toBeGreaterThanOrEqual(99)
      expect(next - (at[index] as number)).toBeLessThanOrEqual(200)
    }
  })

  it('makes one attempt of each timer under one Idempotency-Key, however often it is sent', async () => {
    await open({ hands: 1 })
    const ids = await ended('failed', 5)
    const headers = { 'idempotency-key': '"again-1"' }
    expect((await step(path, { filter }, headers)).done).toBe(5)
    const attempts = async () =>
      (await Promise.all(ids.map((id) => api.find(id)))).map((timer) => timer?.attempts)
    const failedWith = (count: number) =>
      eventually(async () => {
        expect(await attempts()).toEqual(ids.map(() => count))
        expect(await statusesOf(ids)).toEqual({ failed: 5 })
      })
    await failedWith(2)
    expect((await step(path, { filter }, { 'idempotency-key': 'again-1' })).done).toBe(5)
    expect((await step(path, { filter }, { 'idempotency-key': 'again-2' })).done).toBe(5)
    await failedWith(3)
  })

  it('makes one attempt of each timer in a step that is sent again with its cursor', async () => {
    await open({ hands: 1 })
    const ids = await ended('failed', 6)
    const { next_cursor: cursor } = await step(path, { filter, limit: 3 })
    for (let sent = 0; sent < 3; sent += 1) {
      await step(path, { filter, limit: 3, cursor })
      await eventually(async () => {
        const timers = await Promise.all(ids.map((id) => api.find(id)))
        expect(timers.map((timer) => [timer?.status, timer?.attempts])).toEqual(ids.map(() => ['failed', 2]))
      })
    }
  })

  it.each<[string, object, string]>([
    ['a pace of nothing', { filter, per_second: 0 }, 'INVALID_BODY'],
    ['an empty filter', { filter: {} }, 'INVALID_FILTER'],
    [
      'a cursor that was tampered with',
      { filter, cursor: 'AAAA.AAAAAAAAAAAAAAAAAAAAAA.zzzz' },
      'INVALID_CURSOR',
    ],
  ])('refuses %s', async (_name, payload, code) => {
    if (closers.length === 0) await open()
    const { status, body } = await post(path, payload)
    expect([status, body.code]).toEqual([400, code])
  })
})
