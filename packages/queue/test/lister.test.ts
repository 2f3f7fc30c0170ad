import { upgradeTimers } from '../src/timers/upgrade.ts'
import {
  HOUR,
  ids,
  inOrder,
  lister,
  mixed,
  NOW,
  open,
  placer,
  query,
  rig,
  shards,
  useLister,
  walk,
} from './lister-bed.ts'
import { STATUS_AT } from './placed-timers.ts'

describe('the list of timers', () => {
  useLister()

  test('of nothing is one empty page', async () => {
    await open()
    expect(await lister.list(query())).toEqual({ timers: [], next: undefined })
  })

  test.each([
    [1, 'asc'],
    [2, 'asc'],
    [3, 'desc'],
    [3, 'asc'],
  ] as const)(
    'walks all timers of %i shards in order (%s), each once, wherever they lie',
    async (shards, order) => {
      await open(shards)
      const timers = mixed(400)
      await placer.putAll(timers)
      const walked = await walk({ order, limit: 37 })
      expect(ids(walked)).toEqual(inOrder(timers, order))
      expect(walked.pages).toBe(Math.ceil(400 / 37))
      for (const { id, status } of walked.timers) {
        expect(status).toBe(STATUS_AT[timers[id - 1]?.place ?? 'planned'])
      }
    },
  )

  test('a page that ends with the last timer has no next one', async () => {
    await open(2)
    await placer.putAll(mixed(50))
    const { timers, next } = await lister.list(query({ limit: 50 }))
    expect(timers).toHaveLength(50)
    expect(next).toBeUndefined()
  })

  test.each([
    [1, 'asc'],
    [3, 'asc'],
    [2, 'desc'],
  ] as const)(
    'a thousand timers of one millisecond, over the edges of pages (%i shards, %s)',
    async (shards, order) => {
      await open(shards)
      const timers = Array.from({ length: 1_000 }, (_, index) => ({
        id: index + 1,
        dueAt: NOW + HOUR,
        place: index % 10 === 0 ? ('fired' as const) : ('planned' as const),
      }))
      await placer.putAll(timers)
      expect(ids(await walk({ order, limit: 7 }))).toEqual(inOrder(timers, order))
    },
  )

  test.each(['asc', 'desc'] as const)(
    'sets of which one is far denser than the other, each longer than a look (%s)',
    async (order) => {
      await open()
      const thin = Array.from({ length: 400 }, (_, index) => ({
        id: index + 1,
        dueAt: NOW - HOUR + index * 5_000,
        place: 'fired' as const,
      }))
      const dense = Array.from({ length: 400 }, (_, index) => ({
        id: index + 1_001,
        dueAt: NOW - HOUR / 2 + index,
        place: 'failed' as const,
      }))
      await placer.putAll([...thin, ...dense])
      expect(ids(await walk({ order, limit: 150 }))).toEqual(inOrder([...thin, ...dense], order))
    },
  )

  test.each(['asc', 'desc'] as const)(
    'a page that needs several looks at shards that are not equally full (%s)',
    async (order) => {
      await open(3)
      const timers = Array.from({ length: 1_000 }, (_, index) => ({
        id: index + 1,
        dueAt: NOW + HOUR + index * (index % 3 === 0 ? 3_000 : 1_000),
        place: 'planned' as const,
      }))
      await placer.putAll(timers)
      const walked = await walk({ order, limit: 1_000 })
      expect(ids(walked)).toEqual(inOrder(timers, order))
      expect(walked.pages).toBe(1)
    },
  )

  test('thousands that wait for a retry, or were cancelled, do not make a page short', async () => {
    await open()
    const retries = Array.from({ length: 1_500 }, (_, index) => ({
      id: index + 1,
      dueAt: NOW - HOUR + index,
      place: 'retry' as const,
      wakesAt: NOW + index,
    }))
    const cancelled = Array.from({ length: 1_500 }, (_, index) => ({
      id: index + 2_001,
      dueAt: NOW - 2 * HOUR + index,
      place: 'cancelled' as const,
    }))
    const others = [
      { id: 5_001, dueAt: NOW + 2_000, place: 'planned' },
      { id: 5_002, dueAt: NOW - HOUR, place: 'fired' },
    ] as const
    await placer.putAll([...retries, ...cancelled, ...others])
    const pending = await lister.list(
      query({ filter: { statuses: ['pending'], dueFrom: NOW - HOUR + 1_500 } }),
    )
    expect(pending).toMatchObject({ timers: [{ id: 5_001 }], next: undefined })
    const fired = await lister.list(query({ filter: { statuses: ['fired'] } }))
    expect(fired).toMatchObject({ timers: [{ id: 5_002 }], next: undefined })
  })

  test('hundreds in the hands of workers are all shown', async () => {
    await open()
    const timers = Array.from({ length: 900 }, (_, index) => ({
      id: index + 1,
      dueAt: NOW - index,
      place: index % 3 === 0 ? ('waiting' as const) : ('firing' as const),
    }))
    await placer.putAll(timers)
    expect(ids(await walk({ limit: 70 }))).toEqual(inOrder(timers))
  })

  test('timers of one millisecond, as release 0.1 stored them, are walked through once they are upgraded', async () => {
    await rig.client.set(rig.keys().format, '1')
    await open()
    const timers = Array.from({ length: 20 }, (_, index) => ({
      id: index + 1,
      dueAt: NOW + HOUR,
      place: 'planned' as const,
    }))
    await placer.putAll(timers)
    for (const { id, dueAt } of timers) {
      await rig.client.zadd(rig.keys().key('delayed'), dueAt * 0x1000 + id, `t${id}`)
    }
    await upgradeTimers(shards, rig.log)
    expect(ids(await walk({ limit: 3 }))).toEqual(inOrder(timers))
    expect(ids(await walk({ limit: 3, order: 'desc' }))).toEqual(inOrder(timers, 'desc'))
  })
})
