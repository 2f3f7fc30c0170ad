import { eventually } from '@timers/lab'
import fc from 'fast-check'
import { type ApiBed, expectProblem, openApiBed } from './api-bed.ts'

const DAY = 86_400_000
/** Due times of the timers that wait, far from those that fire meanwhile. */
const START = Math.ceil(Date.now() / DAY) * DAY + 10 * DAY

let bed: ApiBed
/** Two hundred that wait: each pair due at the same second, the odd ones labelled, every tenth to another receiver. */
const waiting: number[] = []

const at = (second: number) => new Date(START + second * 1_000).toISOString()

beforeAll(async () => {
  bed = await openApiBed({ TIMER_SHARDS: '1' })
  for (let index = 0; index < 200; index += 1) {
    waiting.push(
      await bed.create({
        hours: undefined,
        at: at(Math.floor(index / 2)),
        ...(index % 2 === 1 && { labels: ['odd'] }),
        ...(index % 10 === 9 && { url: 'https://other.example:8443/hook' }),
      }),
    )
  }
})
afterAll(() => bed?.close())

const get = (path: string, query: Record<string, string>) =>
  bed.send('GET', `${path}?${new URLSearchParams(query)}`)

/** Ids of all pages. */
async function listed(query: Record<string, string>): Promise<number[]> {
  const ids: number[] = []
  let cursor: string | undefined
  do {
    const reply = await get('/timers', { ...query, ...(cursor !== undefined && { cursor }) })
    expect(reply.statusCode).toBe(200)
    const page = reply.json()
    ids.push(...page.timers.map(({ id }: { id: number }) => id))
    cursor = page.next_cursor
  } while (cursor !== undefined)
  return ids
}

/** In the order of the list: by due time, then by id as text. */
const byPlace = (ids: readonly number[]) =>
  [...ids].sort((a, b) => {
    const [first, second] = [a, b].map((id) => Math.floor(waiting.indexOf(id) / 2))
    return (first ?? 0) - (second ?? 0) || (String(a) < String(b) ? -1 : 1)
  })

describe('GET /timers', () => {
  it('shows timers as GET /timers/:id does, in the order of their due times, and no more than asked for', async () => {
    const reply = await get('/timers', { due_after: at(0), limit: '3' })
    expect(reply.statusCode).toBe(200)
    expect(reply.headers['cache-control']).toBe('no-store')
    const { timers, next_cursor } = reply.json()
    expect(timers).toHaveLength(3)
    expect(next_cursor).toEqual(expect.stringMatching(/^[\w-]+$/))
    for (const timer of timers) {
      const { time_left, ...rest } = (await bed.send('GET', `/timers/${timer.id}`)).json()
      expect(timer).toMatchObject(rest)
      expect(Math.abs(timer.time_left - time_left)).toBeLessThan(60)
    }
  })

  it('shows a hundred where no limit is given', async () => {
    expect((await bed.send('GET', '/timers')).json().timers).toHaveLength(100)
  })

  it.each(['asc', 'desc'])('walks over all of them, each once, in order: %s', async (order) => {
    const all = byPlace(waiting)
    const expected = order === 'asc' ? all : all.reverse()
    expect(await listed({ status: 'pending', order, limit: '7' })).toEqual(expected)
    const { next_cursor } = (await get('/timers', { status: 'pending', order, limit: '200' })).json()
    expect(next_cursor).toBeUndefined()
  })

  it('takes filters, alone and together', async () => {
    const odd = waiting.filter((_, index) => index % 2 === 1)
    expect(await listed({ label: 'odd', limit: '9' })).toEqual(byPlace(odd))
    const between = waiting.slice(20, 80)
    const due = { due_after: at(10), due_before: at(40) }
    expect(await listed({ ...due, status: 'pending,firing' })).toEqual(byPlace(between))
    expect(await listed({ ...due, label: 'odd' })).toEqual(byPlace(between.filter((id) => odd.includes(id))))
    const others = waiting.filter((_, index) => index % 10 === 9)
    expect(await listed({ origin: 'https://OTHER.example:8443', limit: '3' })).toEqual(byPlace(others))
    expect(await listed({ origin: 'https://other.example' })).toEqual([])
  })

  it('takes a due time whose plus was not encoded', async () => {
    const local = new Date(START + 3_600_000).toISOString().replace('Z', '+01:00')
    const reply = await bed.send('GET', `/timers?due_after=${local}&limit=1`)
    expect(reply.json().timers).toMatchObject([{ due_at: at(0) }])
  })

  it('shows what has become of timers, and those that were cancelled', async () => {
    const ids: Record<string, number> = {}
    for (const status of ['fired', 'failed', 'unknown', 'firing'] as const) {
      ids[status] = await bed.timerThatIs(status, { labels: ['ended'] })
    }
    ids.cancelled = await bed.create({ labels: ['ended'] })
    await bed.send('DELETE', `/timers/${ids.cancelled}`)
    for (const [status, id] of Object.entries(ids)) {
      expect(await listed({ status, label: 'ended' })).toEqual([id])
    }
    expect((await listed({ label: 'ended' })).sort()).toEqual(Object.values(ids).sort())
    // The due time is what orders them, also where another one fires earlier now.
    await bed.send('POST', `/timers/${ids.failed}/redrive`)
    // At rest again: others count.
    await eventually(
      async () =>
        expect(await bed.api.find(ids.failed ?? 0)).toMatchObject({ status: 'failed', attempts: 2 }),
      { timeoutMs: 10_000 },
    )
  })

  it.each<[string, Record<string, string>, string]>([
    ['a status that is none', { status: 'late' }, 'status'],
    ['an empty status', { status: '' }, 'status'],
    ['a time without an offset', { due_after: '2026-12-24T18:00:00' }, 'due_after'],
    ['no time', { due_before: 'soon' }, 'due_before'],
    ['a label that none can have', { label: 'a b' }, 'label'],
    ['a whole URL', { origin: 'https://example.com/hook' }, 'origin'],
    ['another order', { order: 'ASC' }, 'order'],
    ['no timers', { limit: '0' }, 'limit'],
    ['too many', { limit: '1001' }, 'limit'],
    ['half a timer', { limit: '1.5' }, 'limit'],
    ['what is not known', { state: 'pending' }, 'state'],
  ])('refuses %s, and names it', async (_name, query, field) => {
    expectProblem(await get('/timers', query), 400, 'INVALID_FILTER', {
      detail: expect.stringContaining(field),
      errors: [{ field, message: expect.stringContaining(field) }],
    })
  })

  it('refuses a parameter that is given twice', async () => {
    expectProblem(await bed.send('GET', '/timers?label=a&label=b'), 400, 'INVALID_FILTER')
    expectProblem(await bed.send('GET', '/timers?limit=1&limit=2'), 400, 'INVALID_FILTER')
    expect((await bed.send('GET', '/timers?status=fired&status=failed')).statusCode).toBe(200)
  })

  it('refuses a cursor that is none, or was made for other filters or another order', async () => {
    const { next_cursor: cursor } = (await get('/timers', { label: 'odd', limit: '5' })).json()
    for (const query of [
      { cursor },
      { cursor, label: 'even' },
      { cursor, label: 'odd', order: 'desc' },
      { cursor, label: 'odd', status: 'pending' },
      { cursor: `${cursor}A`, label: 'odd' },
      { cursor: '', label: 'odd' },
      { cursor: 'next', label: 'odd' },
    ]) {
      expectProblem(await get('/timers', query), 400, 'INVALID_CURSOR', {
        errors: [{ field: 'cursor', message: expect.any(String) }],
      })
    }
    // How many are shown may be another number on each page.
    expect((await get('/timers', { cursor, label: 'odd', limit: '50' })).json().timers).toHaveLength(50)
  })

  it('answers no 5xx, whatever is asked', async () => {
    const text = fc.oneof(
      fc.string(),
      fc.constantFrom(
        'pending',
        'asc',
        '5',
        '0',
        '-1',
        '1e3',
        '2026-12-24T18:00:00Z',
        '0000-01-01T00:00:00Z',
      ),
      fc.constantFrom('9999-12-31T23:59:59-23:59', 'https://example.com', 'odd', 'MC4xLkFBQUFBQUFBQUFB'),
    )
    const name = fc.oneof(
      fc.constantFrom('status', 'due_after', 'due_before', 'label', 'origin', 'order', 'limit', 'cursor'),
      fc.constantFrom('from', 'to', 'bucket', '__proto__'),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('/timers', '/forecast', '/stats'),
        fc.array(fc.tuple(name, text), { maxLength: 3 }),
        async (path, query) => {
          const encoded = query.map(([key, value]) => `${key}=${encodeURIComponent(value)}`)
          const reply = await bed.send('GET', `${path}?${encoded.join('&')}`)
          expect([200, 400]).toContain(reply.statusCode)
          if (reply.statusCode === 400) expect(reply.json().code).toMatch(/^INVALID_(FILTER|CURSOR)$/)
        },
      ),
      { numRuns: 200 },
    )
  })
})

describe('GET /stats', () => {
  it('counts by status, in all and by shard', async () => {
    const id = await bed.create()
    await bed.send('DELETE', `/timers/${id}`)
    await bed.timerThatIs('failed')
    const reply = await bed.send('GET', '/stats')
    expect(reply.statusCode).toBe(200)
    expect(reply.headers['cache-control']).toBe('no-store')
    const { shards, ...all } = reply.json()
    expect(Object.keys(all.counts)).toEqual([
      'pending',
      'firing',
      'fired',
      'failed',
      'unknown',
      'cancelled',
      'expired',
    ])
    expect(all).toMatchObject({ deferred: 0, overdue: 0, oldest_overdue_seconds: 0 })
    for (const [status, count] of Object.entries(all.counts)) {
      expect([status, count]).toEqual([status, (await listed({ status, limit: '1000' })).length])
    }
    expect(shards).toEqual([{ shard: 0, ...all }])
  })

  it('takes no parameters, and says so', async () => {
    expectProblem(await bed.send('GET', '/stats?label=a'), 400, 'INVALID_FILTER')
  })
})

describe('GET /forecast', () => {
  it('counts what is due by bucket', async () => {
    const reply = await get('/forecast', { from: at(0), to: at(100), bucket: '10' })
    expect(reply.statusCode).toBe(200)
    expect(reply.json()).toEqual({
      bucket: 10,
      buckets: Array.from({ length: 10 }, (_, index) => ({ start: at(10 * index), due: 20 })),
    })
  })

  it('is of the next hour, by minutes, where nothing is said', async () => {
    await bed.create({ hours: undefined, minutes: 30 })
    const { bucket, buckets } = (await bed.send('GET', '/forecast')).json()
    expect([bucket, buckets.length]).toEqual([60, 60])
    expect(Math.abs(Date.parse(buckets[0].start) - Date.now())).toBeLessThan(60_000)
    expect(buckets[29].due + buckets[30].due).toBe(1)
  })

  it('of a time that is long past, and long to come, is zeros', async () => {
    for (const [from, to] of [
      ['0000-01-01T00:00:00Z', '0000-01-01T01:00:00Z'],
      ['9999-12-31T22:00:00Z', '9999-12-31T23:00:00Z'],
    ] as const) {
      const reply = await get('/forecast', { from, to, bucket: '1800' })
      expect(reply.json().buckets).toMatchObject([{ due: 0 }, { due: 0 }])
    }
  })

  it('refuses more than 1,440 buckets, and says what to write', async () => {
    const reply = await get('/forecast', { from: at(0), to: at(172_800) })
    expectProblem(reply, 400, 'INVALID_FILTER', {
      errors: [
        { field: 'bucket', message: 'bucket must be at least 120 here: there are at most 1440 buckets' },
      ],
    })
  })
})
