import { eventually } from '@timers/lab'
import { api, closers, create, ended, open, post, statusesOf, step, sum, walk } from './bulk-bed.ts'

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
