import { type Idempotency, TimerError } from '@timers/core'
import { startTcpProxy } from '@timers/lab'
import { RetentionSweeper } from '../src/consumer/retention.ts'
import { Shards } from '../src/shards/shards.ts'
import { sweepGuards } from '../src/timers/guards.ts'
import { draft, Rig } from './rig.ts'

const SHARDS = 4
const HOUR = 3_600_000

describe('a request with a key of its timer’s own and an idempotency key, over several shards', () => {
  let rig: Rig

  beforeAll(async () => {
    rig = await Rig.start()
  })
  afterAll(() => rig.close())
  afterEach(() => rig.reset())

  const request = (fingerprint: string, key = 'again'): Idempotency => ({ key, fingerprint })

  function shards(redisUrl = rig.redis.url): Shards {
    const all = new Shards({ redisUrl, shards: SHARDS, prefix: rig.prefix, log: rig.log }, { changes: true })
    rig.onClose(() => all.close())
    return all
  }

  const guarded = async () =>
    (
      await Promise.all(
        Array.from({ length: SHARDS }, (_, shard) => rig.client.zcard(rig.keys(shard).key('guards'))),
      )
    ).reduce((a, b) => a + b)

  test('created another timer where the own key of the second request led elsewhere', async () => {
    const store = await rig.store({ shards: SHARDS })
    for (let turn = 0; turn < 16; turn += 1) {
      const again = request('one', `again-${turn}`)
      const made = await store.create({ ...draft(HOUR), key: `own-${turn}` }, again)
      expect(await store.create({ ...draft(HOUR), key: `own-${turn}` }, again)).toMatchObject({
        id: made.id,
        dueAt: made.dueAt,
        replayed: true,
      })
      const other = request('two', `again-${turn}`)
      await expect(store.create({ ...draft(HOUR), key: `other-${turn}` }, other)).rejects.toMatchObject({
        code: 'IDEMPOTENCY_KEY_REUSED',
      })
      await expect(store.create(draft(HOUR), request('three', `again-${turn}`))).rejects.toMatchObject({
        code: 'IDEMPOTENCY_KEY_REUSED',
      })
      expect(await store.find({ key: `other-${turn}` })).toBeUndefined()
    }
    expect(await guarded()).toBeGreaterThan(0)
  })

  test('a plain request came first, and one with a key of its own created a second timer', async () => {
    const store = await rig.store({ shards: SHARDS })
    for (let turn = 0; turn < 8; turn += 1) {
      await store.create(draft(HOUR), request('one', `plain-${turn}`))
      await expect(
        store.create({ ...draft(HOUR), key: `own-${turn}` }, request('two', `plain-${turn}`)),
      ).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' })
    }
  })

  test('a request that was refused as past kept the next one under its key from being created', async () => {
    const store = await rig.store({ shards: SHARDS })
    for (let turn = 0; turn < 8; turn += 1) {
      const wanted = { ...draft(HOUR), key: `own-${turn}` }
      const orElse = new TimerError('INVALID_TIME', 'at is past', { field: 'at' })
      const late = { ...request('one', `again-${turn}`), orElse }
      await expect(store.create(wanted, late)).rejects.toBe(orElse)
      expect((await store.create(wanted, request('two', `again-${turn}`))).replayed).toBe(false)
    }
  })

  test('a guard outlived its timer for ever', async () => {
    const store = await rig.store({ shards: SHARDS })
    const ids: number[] = []
    for (let turn = 0; turn < 8; turn += 1) {
      ids.push(
        (await store.create({ ...draft(HOUR), key: `own-${turn}` }, request('one', `again-${turn}`))).id,
      )
    }
    const before = await guarded()
    expect(before).toBeGreaterThan(0)
    const all = shards()
    await all.whenVerified()
    const soon = Date.now() + 120_000
    expect(await sweepGuards(all.all, all.all, soon)).toBe(0)
    expect(await guarded()).toBe(before)
    // Its retention is over: the sweep has removed the timer with its keys.
    for (let shard = 0; shard < SHARDS; shard += 1) {
      const keys = await rig.client.keys(`${rig.keys(shard).key('')}*`)
      const gone = []
      for (const key of keys) {
        const isPointer = key.includes(':i:') && String(await rig.client.get(key)).startsWith('t')
        if (isPointer || /:t\d+$/.test(key) || key.includes(':k:')) gone.push(key)
      }
      if (gone.length > 0) await rig.client.del(gone)
    }
    expect(await sweepGuards(all.all, all.all, soon + 2 * HOUR)).toBe(before)
    expect(await guarded()).toBe(0)
    for (let turn = 0; turn < 8; turn += 1) {
      const again = await store.create(draft(HOUR), request('two', `again-${turn}`))
      expect(again.replayed).toBe(false)
      expect(ids).not.toContain(again.id)
    }
  })
  test('a sweep waited for Redis once for each guard: it removed fewer timers than were created', async () => {
    const store = await rig.store({ shards: SHARDS })
    const made = await store.createAll(
      Array.from({ length: 200 }, (_, turn) => ({
        draft: { ...draft(HOUR), key: `own-${turn}` },
        idempotency: request('one', `again-${turn}`),
      })),
    )
    expect(await guarded()).toBeGreaterThan(100)
    await Promise.all(made.map((timer) => 'id' in timer && store.cancel(timer.id)))
    const proxy = await startTcpProxy({ targetPort: rig.redis.port })
    rig.onClose(() => proxy.close())
    const all = shards(`redis://127.0.0.1:${proxy.port}`)
    await all.whenVerified()
    const sweeper = new RetentionSweeper(all, 0, rig.log)
    proxy.setDelay(25)
    const startedAt = performance.now()
    expect(await sweeper.sweep()).toBe(200)
    // More than a hundred guards; some thirty rounds are needed for the rest.
    expect(performance.now() - startedAt).toBeLessThan(100 * 50)
    expect(await guarded()).toBe(0)
  })
})
