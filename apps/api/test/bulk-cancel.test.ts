import { eventually, startTcpProxy, timed } from '@timers/lab'
import {
  api,
  closers,
  create,
  ended,
  HOST,
  NOTHING,
  open,
  PROMISED_MS,
  post,
  redis,
  type Step,
  statusesOf,
  step,
  sum,
  walk,
} from './bulk-bed.ts'

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

  it('cancelled everything for one who had written dry_run=true into the path', async () => {
    await open()
    const ids = await create(3, () => ({ labels: ['dry'] }))
    const refused = await post(`${path}?dry_run=true`, { filter: { label: 'dry' } })
    expect(refused).toMatchObject({
      status: 400,
      body: { code: 'INVALID_FILTER', errors: [{ field: 'dry_run' }] },
    })
    expect(await statusesOf(ids)).toEqual({ pending: 3 })
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
    /** 600 timers, and what became of them: each is as it was told. */
    const race = async (label: string): Promise<Record<string, number>> => {
      const dueAt = Date.now() + 1_500
      const ids = await create(600, (index) => ({
        at: new Date(dueAt + (index % 40)).toISOString(),
        labels: [label],
      }))
      const steps: Step[] = []
      await eventually(() => expect(Date.now()).toBeGreaterThanOrEqual(dueAt - 5), { intervalMs: 1 })
      while (Date.now() < dueAt + 200) steps.push(await step(path, { filter: { label }, limit: 60 }))
      const ended = async () => {
        const { fired = 0, cancelled = 0 } = await statusesOf(ids)
        expect(fired + cancelled).toBe(ids.length)
      }
      await eventually(ended, { timeoutMs: 10_000 })
      const { done, skipped } = sum(steps)
      const timers = await Promise.all(ids.map((id) => api.find(id)))
      const cancelled = timers.filter((timer) => timer?.status === 'cancelled')
      expect(cancelled).toHaveLength(done)
      expect(cancelled.every((timer) => timer?.attempts === 0 && timer.firedAt === undefined)).toBe(true)
      const others = new Map(timers.map((timer) => [timer?.id, timer?.status]))
      for (const { id, code } of skipped) {
        expect(code).toMatch(/^ALREADY_(FIRING|FINISHED)$/)
        expect(others.get(id)).toBe('fired')
      }
      return statusesOf(ids)
    }
    // Where this process stood still just then, one side had it all: then again.
    const ends = new Set<string>()
    for (let round = 0; round < 4 && ends.size < 2; round += 1) {
      for (const status of Object.keys(await race(`race-${round}`))) ends.add(status)
    }
    expect([...ends].sort()).toEqual(['cancelled', 'fired'])
  })

  it('tells what was done where Redis is cut away in the middle, and goes on from there', async () => {
    const proxy = await startTcpProxy({ targetPort: redis.port })
    closers.push(() => proxy.close())
    await open({ port: proxy.port })
    const cancelled = async () => (await redis.command('ZCARD', 'timers:{0}:cancelled')) as number
    /** Begins to cancel a thousand, and cuts Redis away when some are. */
    async function cutAway(label: string) {
      const ids = await create(1_000, () => ({ labels: [label] }))
      const before = await cancelled()
      proxy.setDelay(30)
      const answer = post(path, { filter: { label } })
      // More than the four steps of 25 that go out at first: some were answered by then.
      const begun = async () => expect((await cancelled()) - before).toBeGreaterThan(100)
      await eventually(begun, { timeoutMs: PROMISED_MS }).catch(() => {})
      await proxy.setMode('refuse')
      const { value, tookMs } = await timed(() => answer)
      expect(tookMs).toBeLessThan(PROMISED_MS)
      return { ids, filter: { label }, ...value }
    }
    const mend = async (): Promise<void> => {
      proxy.setDelay(0)
      await proxy.setMode('forward')
      await api.ready()
    }
    let cut = await cutAway('cut-0')
    // On a busy machine it may not have begun by then, or be over: then again.
    for (let tries = 1; tries < 5 && !(cut.body.done > 0 && cut.body.done < 1_000); tries += 1) {
      await mend()
      cut = await cutAway(`cut-${tries}`)
    }
    const { ids, filter, status, body } = cut
    expect(status).toBe(200)
    expect(body.done).toBeGreaterThan(0)
    expect(body.matched).toBe(body.done)
    expect(body.next_cursor).toEqual(expect.any(String))

    await mend()
    await eventually(async () => {
      const steps = await walk(path, { filter, cursor: body.next_cursor })
      expect(sum(steps).skipped).toEqual([])
    })
    expect(await statusesOf(ids)).toEqual({ cancelled: 1_000 })
  })

  it('answers 503 within two seconds where nothing could be done', async () => {
    await open()
    await create(3, () => ({ labels: ['hung'] }))
    redis.pause()
    const { value, tookMs } = await timed(() => post(path, { filter: { label: 'hung' } }))
    redis.resume()
    const { status, body } = value
    expect(tookMs).toBeLessThan(PROMISED_MS)
    expect([status, body.code, body.detail]).toEqual([
      503,
      'STORE_UNAVAILABLE',
      expect.stringMatching(/Send the request again/),
    ])
  })
})
