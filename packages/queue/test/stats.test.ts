import { startTcpProxy } from '@timers/lab'
import { forecast } from '../src/index/forecast.ts'
import { countTimers } from '../src/index/stats.ts'
import { Shards } from '../src/shards/shards.ts'
import { PLACES, type PlacedTimer, STATUS_AT, TimerPlacer } from './placed-timers.ts'
import { Rig } from './rig.ts'

const NOW = Date.UTC(2027, 0, 1)
const MINUTE = 60_000

let rig: Rig
let shards: Shards
let placer: TimerPlacer

beforeAll(async () => {
  rig = await Rig.start()
})
afterAll(() => rig.close())
afterEach(() => rig.reset())

async function open(count = 1, redisUrl = rig.redis.url): Promise<void> {
  const own = new Shards({ redisUrl, shards: count, prefix: rig.prefix, log: rig.log }, { changes: false })
  rig.onClose(() => own.close())
  await own.whenVerified()
  shards = own
  placer = new TimerPlacer(rig.client, rig.prefix, count)
}

const NONE = { pending: 0, firing: 0, fired: 0, failed: 0, unknown: 0, cancelled: 0, expired: 0 }

describe('the stats', () => {
  test('of nothing are zeros, for each shard', async () => {
    await open(2)
    const nothing = { counts: NONE, deferred: 0, overdue: 0, oldestOverdueMs: 0 }
    expect(await countTimers(shards.all, NOW)).toEqual([
      { shard: 0, ...nothing },
      { shard: 1, ...nothing },
    ])
  })

  test('count every timer once, by its status, in its shard, also where it lies in two sets', async () => {
    await open(3)
    const timers = Array.from({ length: 360 }, (_, index) => ({
      id: index + 1,
      dueAt: NOW - MINUTE,
      place: PLACES[Math.floor(index / 3) % PLACES.length] ?? 'planned',
      wakesAt: NOW + MINUTE,
    }))
    await placer.putAll(timers)
    for (const { shard, counts, deferred, overdue, oldestOverdueMs } of await countTimers(shards.all, NOW)) {
      const mine = timers.filter(({ id }) => (id - 1) % 3 === shard)
      const expected: Record<string, number> = { ...NONE }
      for (const { place } of mine) expected[STATUS_AT[place]] = (expected[STATUS_AT[place]] ?? 0) + 1
      expect(counts).toEqual(expected)
      // Ten of each kind: planned, held back, waiting, both, taken; not those that wait for a retry.
      expect({ deferred, overdue, oldestOverdueMs }).toEqual({
        deferred: 20,
        overdue: 50,
        oldestOverdueMs: MINUTE,
      })
    }
  })

  test('a timer that was held back, and whose turn has come while no worker runs, is overdue once', async () => {
    await open()
    await placer.putAll([
      { id: 1, dueAt: NOW - 5 * MINUTE, place: 'held', wakesAt: NOW - MINUTE },
      { id: 2, dueAt: NOW - 2 * MINUTE, place: 'held', wakesAt: NOW + MINUTE },
      { id: 3, dueAt: NOW + MINUTE, place: 'planned' },
    ])
    expect(await countTimers(shards.all, NOW)).toMatchObject([
      { counts: { pending: 3 }, deferred: 2, overdue: 2, oldestOverdueMs: 5 * MINUTE },
    ])
  })

  test('were not there in time where many were overdue and one was held back, and the other way round', async () => {
    const proxy = await startTcpProxy({ targetPort: rig.redis.port })
    rig.onClose(() => proxy.close())
    await open(1, `redis://127.0.0.1:${proxy.port}`)
    const { key, held } = rig.keys()
    const fill = (set: string, score: number, ids: readonly number[]) =>
      rig.client.zadd(set, ...ids.flatMap((id) => [score, `t${id}`]))
    const many = Array.from({ length: 20_000 }, (_, at) => at + 1)
    const few = [7, 8, 30_000]
    proxy.setDelay(20)
    for (const [due, heldBack] of [
      [many, few],
      [few, many],
    ] as const) {
      await rig.client.del(key('delayed'), held)
      await fill(key('delayed'), (NOW - MINUTE) * 0x1000, due)
      await fill(held, NOW - MINUTE, heldBack)
      // Their turn has not come.
      await fill(
        key('delayed'),
        (NOW + MINUTE) * 0x1000,
        heldBack.filter((id) => !due.includes(id)),
      )
      const startedAt = performance.now()
      const [stats] = await countTimers(shards.all, NOW)
      expect(performance.now() - startedAt).toBeLessThan(1_800)
      expect(stats).toMatchObject({ deferred: heldBack.length, overdue: new Set([...due, ...heldBack]).size })
    }
  })

  test('and the forecast were not there in time where many callbacks waited', async () => {
    const proxy = await startTcpProxy({ targetPort: rig.redis.port })
    rig.onClose(() => proxy.close())
    await open(1, `redis://127.0.0.1:${proxy.port}`)
    const { key } = rig.keys()
    const ids = Array.from({ length: 10_000 }, (_, at) => `t${at + 1}`)
    const wakesAt = NOW + MINUTE
    await rig.client.zadd(key('outbox'), ...ids.flatMap((id) => [NOW, id]))
    await rig.client.zadd(key('delayed'), ...[...ids, 't30000'].flatMap((id) => [wakesAt * 0x1000, id]))
    proxy.setDelay(15)
    const startedAt = performance.now()
    expect(await countTimers(shards.all, NOW)).toMatchObject([{ counts: { ...NONE, pending: 1 } }])
    const soon = { from: NOW, to: NOW + 2 * MINUTE, bucketMs: MINUTE }
    expect(await forecast(shards.all, soon)).toEqual([0, 1])
    expect(performance.now() - startedAt).toBeLessThan(2 * 1_800)
  })

  test('hundreds in the hands of workers are told apart: claimed or not', async () => {
    await open()
    await placer.putAll(
      Array.from({ length: 700 }, (_, index) => ({
        id: index + 1,
        dueAt: NOW - index,
        place: index < 400 ? ('firing' as const) : ('taken' as const),
      })),
    )
    expect(await countTimers(shards.all, NOW)).toMatchObject([
      { counts: { ...NONE, firing: 400, pending: 300 }, overdue: 300, oldestOverdueMs: 699 },
    ])
  })

  test('callbacks are no timers, wherever they lie', async () => {
    await open()
    const places = [
      'planned',
      'held',
      'retry',
      'waiting',
      'heldAndWaiting',
      'taken',
      'firing',
      'failed',
    ] as const
    const callbacks = Array.from({ length: 400 }, (_, index) => ({
      id: index + 1,
      dueAt: NOW - MINUTE - index,
      place: places[index % places.length] ?? 'planned',
      callback: true,
    }))
    await placer.putAll([...callbacks, { id: 900, dueAt: NOW - 1, place: 'failed' }])
    await placer.put({ id: 901, dueAt: NOW - 1, place: 'held', wakesAt: NOW })
    expect(await countTimers(shards.all, NOW)).toMatchObject([
      { counts: { ...NONE, pending: 1, failed: 1 }, deferred: 1, overdue: 1 },
    ])
  })
})

describe('the forecast', () => {
  const count = (from: number, to: number, bucketMs: number) => forecast(shards.all, { from, to, bucketMs })

  test('counts by bucket, over all shards: its beginning is in it, its end in the next one', async () => {
    await open(3)
    const timers = Array.from({ length: 300 }, (_, index): PlacedTimer => {
      return { id: index + 1, dueAt: NOW + index * 1_000, place: 'planned' }
    })
    await placer.putAll(timers)
    expect(await count(NOW, NOW + 5 * MINUTE, MINUTE)).toEqual([60, 60, 60, 60, 60])
    expect(await count(NOW + 1, NOW + MINUTE + 1, MINUTE)).toEqual([60])
    expect(await count(NOW - MINUTE, NOW, MINUTE)).toEqual([0])
    expect(await count(NOW, NOW + 1, 1)).toEqual([1])
  })

  test('the last bucket ends where the forecast ends', async () => {
    await open()
    await placer.putAll([
      { id: 1, dueAt: NOW + 89_999, place: 'planned' },
      { id: 2, dueAt: NOW + 90_000, place: 'planned' },
    ])
    expect(await count(NOW, NOW + 90_000, MINUTE)).toEqual([0, 1])
  })

  test('a day in minutes', async () => {
    await open(2)
    await placer.putAll([
      { id: 1, dueAt: NOW, place: 'planned' },
      { id: 2, dueAt: NOW + 1_440 * MINUTE - 1, place: 'planned' },
    ])
    const counts = await count(NOW, NOW + 1_440 * MINUTE, MINUTE)
    expect(counts).toHaveLength(1_440)
    expect([counts[0], counts[1_439], counts.reduce((a, b) => a + b)]).toEqual([1, 1, 2])
  })

  test('one that waits for its next attempt counts then; what is in hand or finished, and callbacks, count nowhere', async () => {
    await open()
    await placer.putAll([
      ...PLACES.map((place, index) => ({ id: index + 1, dueAt: NOW + 1_000, place, wakesAt: NOW + MINUTE })),
      { id: 50, dueAt: NOW + 2_000, place: 'planned', callback: true },
    ])
    expect(await count(NOW, NOW + 2 * MINUTE, MINUTE)).toEqual([1, 2])
  })
})
