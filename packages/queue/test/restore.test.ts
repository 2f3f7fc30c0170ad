import { eventually } from '@timers/lab'
import { type RestoreOptions, RestoreRefused, restoreTimers } from '../src/restore/restore.ts'
import type { RedisTimerStore } from '../src/timers/timer-store.ts'
import { delivered, draft, fired, Rig } from './rig.ts'
import { ALL_UNCLAIMED, expectFlawless, States } from './states.ts'

const HOUR = 3_600_000

describe('restoreTimers', () => {
  let rig: Rig
  let store: RedisTimerStore

  beforeAll(async () => {
    rig = await Rig.start()
  })
  afterAll(() => rig.close())
  beforeEach(async () => {
    store = await rig.store()
  })
  afterEach(async () => {
    await expectFlawless(rig).finally(() => rig.reset())
  })

  const options = (): RestoreOptions => ({
    redisUrl: rig.redis.url,
    shards: 1,
    prefix: rig.prefix,
    log: rig.log,
  })
  /** As after a stop of everything: no service is connected. */
  const restore = async (madeAt: number, more: Partial<RestoreOptions> = {}) => {
    await store.close()
    const done = await restoreTimers({ ...options(), ...more }, madeAt)
    store = await rig.store()
    return done
  }

  test('who is told of all timers is told of those that became unknown', async () => {
    const { id } = await store.create(draft(1))
    await eventually(async () =>
      expect(Date.now()).toBeGreaterThan((await store.find(id))?.dueAt ?? Infinity),
    )
    await restore(Date.now() - 60_000, { events: { url: 'https://ops.example/', on: ['unknown'] } })
    const [jobId = ''] = await rig.client.zrange(rig.keys().key('outbox'), 0, '-1')
    expect(await store.find(Number(jobId.slice(1)))).toMatchObject({ callbackOf: id, status: 'pending' })
  })

  test.each(ALL_UNCLAIMED)(
    'a timer that %s, with all that one may have, ends in its place or stays in it',
    async (where) => {
      const extras = {
        key: 'order-17',
        labels: ['eu'],
        callback: { url: 'https://a.example/', on: ['unknown'] },
      } as const
      const { id } = await new States(rig, store).unclaimed(where, extras)
      await restore(Date.now() - 60_000)
      await expectFlawless(rig)
      expect(['pending', 'unknown']).toContain((await store.find({ key: 'order-17' }))?.status)
      expect((await store.find(id))?.labels).toEqual(['eu'])
    },
  )

  test('what came due since the backup, or was under way, is unknown; the rest is as it was', async () => {
    const finished = await store.create(draft(1))
    const { due } = await rig.take()
    await due.claim()
    await due.settle(1, delivered(), fired)
    const claimed = await store.create(draft(1))
    const inHand = await rig.take()
    await inHand.due.claim()
    const held = await store.create(draft(1))
    const heldBack = await rig.take()
    await heldBack.due.defer(Date.now() + HOUR, 'receiver_down')
    const overdue = await store.create(draft(1))
    const again = await store.create({ ...draft(1), mode: 'at_least_once' })
    const later = await store.create(draft(HOUR))
    await eventually(() => expect(Date.now()).toBeGreaterThan(again.dueAt))

    expect(await restore(Date.now() - 60_000)).toEqual({ doubted: 3, sentAgain: 1, before: false })
    for (const { id } of [claimed, held, overdue]) {
      expect(await store.find(id)).toMatchObject({
        status: 'unknown',
        log: [{ outcome: 'interrupted', reason: expect.stringMatching(/backup/) }],
      })
      expect(await rig.places(id)).toEqual(['failed'])
    }
    expect(await rig.client.exists(rig.keys().held)).toBe(0)
    expect((await store.find(finished.id))?.status).toBe('fired')
    for (const { id } of [again, later]) expect((await store.find(id))?.status).toBe('pending')

    const sent: number[] = []
    await rig.consumer({
      handle: async (timer) => {
        sent.push(timer.timer.id)
        await timer.claim()
        await timer.settle(1, delivered(), fired)
      },
    })
    await eventually(async () => expect((await store.find(again.id))?.status).toBe('fired'))
    expect(sent).toEqual([again.id])
  })

  test('ids skip ahead of all that may have been handed out since, and only once', async () => {
    const { id } = await store.create(draft(HOUR))
    const madeAt = Date.now() - 100_000
    await restore(madeAt)
    const next = await store.create(draft(HOUR))
    expect(next.id).toBeGreaterThan(id + 2_000_000)
    expect(await restore(madeAt)).toEqual({ doubted: 0, sentAgain: 0, before: true })
    expect((await store.create(draft(HOUR))).id).toBeLessThan(next.id + 1_000)
  })

  test('does nothing while a service is connected, or for a time to come', async () => {
    const consumer = await rig.consumer({ handle: async () => {} })
    await expect(restore(Date.now() + HOUR)).rejects.toThrow(RestoreRefused)
    await expect(restore(Date.now() - HOUR)).rejects.toThrow(/stop all services first: workers/)
    await consumer.stop()
  })
})
