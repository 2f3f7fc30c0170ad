import { eventually, timed } from '@timers/lab'
import { CensusTaker } from '../src/index/census.ts'
import { Shards } from '../src/shards/shards.ts'
import type { RedisTimerStore } from '../src/timers/timer-store.ts'
import { delivered, draft, fired, Rig } from './rig.ts'

const HOUR = 3_600_000
const NONE = { pending: 0, deferred: 0, overdue: 0, oldestOverdueMs: 0, callbacks: 0 }

describe('the census', () => {
  let rig: Rig
  let store: RedisTimerStore

  beforeAll(async () => {
    rig = await Rig.start()
  })
  afterAll(() => rig.close())
  afterEach(() => rig.reset())

  /** Counts on demand: with the sets as they are. */
  async function taker(shards = 1): Promise<CensusTaker> {
    store = await rig.store({ shards })
    const own = new Shards(
      { redisUrl: rig.redis.url, shards, prefix: rig.prefix, log: rig.log },
      { changes: false },
    )
    rig.onClose(() => own.close())
    await own.whenVerified()
    return new CensusTaker(own, rig.log)
  }

  const counted = async (census: CensusTaker, now = Date.now()) => {
    await census.look(now)
    return census.last
  }

  test('of nothing is nothing; before the first look it is unknown', async () => {
    const census = await taker()
    expect(census.last).toBeUndefined()
    expect(await counted(census)).toEqual(NONE)
  })

  test('with no worker at all: what is due is overdue, and since when', async () => {
    const census = await taker()
    const { dueAt } = await store.create(draft(1))
    await store.create(draft(HOUR))
    const now = dueAt + 7_000
    expect(await counted(census, now)).toEqual({
      pending: 2,
      deferred: 0,
      overdue: 1,
      oldestOverdueMs: 7_000,
      callbacks: 0,
    })
  })

  test('a timer that its receiver held back was not overdue', async () => {
    const census = await taker()
    const { dueAt } = await store.create(draft(1))
    const hand = await rig.take()
    await hand.due.defer(dueAt + HOUR, 'receiver_down')
    const now = dueAt + 90_000
    expect(await counted(census, now)).toEqual({
      pending: 1,
      deferred: 1,
      overdue: 1,
      oldestOverdueMs: 90_000,
      callbacks: 0,
    })
  })

  test('one whose turn has come, and that waits for a worker, is counted once', async () => {
    const census = await taker()
    const { id, dueAt } = await store.create(draft(1))
    const other = await store.create(draft(1))
    const first = await rig.take()
    await first.due.defer(Date.now(), 'receiver_limit')
    // Promotion puts both on the wait list; only one is taken.
    const second = await rig.take()
    expect([id, other.id]).toContain(second.id)
    await second.due.claim()
    await second.due.settle(1, delivered(), fired)
    expect(await counted(census, dueAt + 5_000)).toMatchObject({ pending: 1, overdue: 1 })
  })

  test('one whose turn has come, and that nobody has promoted, was counted twice', async () => {
    const census = await taker()
    const { dueAt } = await store.create(draft(1))
    const hand = await rig.take()
    await hand.due.defer(Date.now() + 10, 'receiver_limit')
    expect(await counted(census, dueAt + 5_000)).toMatchObject({ pending: 1, deferred: 1, overdue: 1 })
  })

  test('a callback is no pending timer, wherever it lies; one that was given up is not waited for', async () => {
    const census = await taker()
    await store.create({ ...draft(1), callback: { url: 'https://told.example/', on: ['fired'] } })
    const timer = await rig.take()
    await timer.due.claim()
    await timer.due.settle(1, delivered(), fired)
    await store.create(draft(HOUR))
    expect(await counted(census)).toMatchObject({ pending: 1, callbacks: 1 })
    const callback = await rig.take()
    await callback.due.claim()
    expect(await counted(census)).toMatchObject({ pending: 1, callbacks: 1 })
    await callback.due.settle(1, { outcome: 'blocked', sentAt: 1 }, { kind: 'final', status: 'failed' })
    expect(await counted(census)).toMatchObject({ pending: 1, callbacks: 0 })
  })

  test('sums up over all shards', async () => {
    const census = await taker(3)
    await Promise.all(Array.from({ length: 7 }, () => store.create(draft(1))))
    expect(await counted(census, Date.now() + 10)).toMatchObject({ pending: 7, overdue: 7 })
  })

  test('is unknown again when Redis has been away for a while, rather than as it was', async () => {
    const census = await taker()
    await store.create(draft(HOUR))
    expect(await census.take()).toMatchObject({ pending: 1 })
    await rig.redis.kill()
    try {
      await eventually(async () => expect(await census.take()).toBeUndefined(), { timeoutMs: 10_000 })
    } finally {
      await rig.redis.restart()
    }
  })

  test('a Redis that stands still keeps nobody who asks: what was counted a moment ago is told, then nothing', async () => {
    const census = await taker()
    await store.create(draft(HOUR))
    expect(await census.take()).toMatchObject({ pending: 1 })
    rig.redis.pause()
    try {
      await eventually(
        async () => {
          const { value, tookMs } = await timed(() => census.take())
          // Half a second, and what a busy machine adds.
          expect(tookMs).toBeLessThan(1_500)
          expect(value).toBeUndefined()
        },
        { timeoutMs: 12_000 },
      )
    } finally {
      rig.redis.resume()
    }
  })

  test('is taken when it is asked for, once for all who ask at the time, and by nobody else', async () => {
    const census = await taker()
    const counts = async () => {
      const stats = String(await rig.client.info('commandstats'))
      return Number(/cmdstat_zmscore:calls=(\d+)|cmdstat_llen:calls=(\d+)/.exec(stats)?.[2] ?? 0)
    }
    const before = await counts()
    const all = await Promise.all([census.take(), census.take(), census.take()])
    expect(all).toEqual([NONE, NONE, NONE])
    expect(await counts()).toBe(before + 1)
  })
})
