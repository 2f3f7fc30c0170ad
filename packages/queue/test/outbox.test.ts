import { eventually } from '@timers/lab'
import { timerIdOf } from '../src/shards/shard-keys.ts'
import { toRecord, toTimer } from '../src/timers/stored-timer.ts'
import { rig, store, useBed } from './bed.ts'
import { ALL, claimed, failed, interrupted, outbox, rejected, TOLD, watched } from './outbox-bed.ts'
import { delivered, draft, fired, unknown } from './rig.ts'

describe('the outbox', () => {
  useBed()

  /** What is told, in the order in which it was written. */
  async function events() {
    const ids = (await outbox()).sort((a, b) => a - b)
    return Promise.all(
      ids.map(async (id) => {
        const timer = toTimer(id, await rig.hash(id))
        return { id, timer, body: JSON.parse(String(timer.payload)) }
      }),
    )
  }

  const types = async () => (await events()).map(({ body }) => body.type)

  test('gets a job in the step that records the outcome: at least once, due now, at the URL as it is', async () => {
    const hand = await claimed({ payload: '"secret"', headers: { 'x-a': 'b' }, labels: ['a'], key: 'mine' })
    const before = Date.now()
    await hand.due.settle(1, rejected, failed)
    const [event] = await events()
    expect(event?.timer).toMatchObject({
      url: TOLD,
      mode: 'at_least_once',
      maxAttempts: 10,
      callbackOf: hand.id,
    })
    expect(event?.timer.callback).toBeUndefined()
    expect(event?.timer.dueAt).toBeGreaterThanOrEqual(before)
    expect(event?.timer.dueAt).toBeLessThanOrEqual(Date.now())
    const record = await store.find(hand.id)
    expect(event?.body).toMatchObject({
      type: 'timer.failed',
      timestamp: new Date(Number(record?.finishedAt)).toISOString(),
      data: {
        timer: {
          id: hand.id,
          status: 'failed',
          key: 'mine',
          labels: ['a'],
          attempts: 1,
          response_status: 404,
          callback: { on: ALL },
          attempt_log: [{ attempt: 1, outcome: 'rejected' }],
        },
      },
    })
    expect(JSON.stringify(await rig.hash(Number(event?.id)))).not.toMatch(/secret|x-a|receiver\.example/)
    expect(await rig.places(Number(event?.id))).toEqual(['delayed'])
  })

  test('a plain timer makes none, and a planned retry is no end', async () => {
    await store.create(draft(1))
    const plain = await rig.take()
    await plain.due.claim()
    await plain.due.settle(1, delivered(), fired)
    const retried = await claimed()
    await retried.due.settle(1, rejected, { kind: 'retry', at: Date.now() + 60_000 })
    expect(await outbox()).toEqual([])
  })

  test('an outcome that is sent again is told once', async () => {
    const hand = await claimed()
    await hand.due.settle(1, delivered(), fired)
    await hand.due.settle(1, delivered(), fired)
    await hand.due.rest()
    expect(await types()).toEqual(['timer.fired'])
  })

  test('unknown that is corrected is told again, under another id', async () => {
    const first = await claimed()
    await rig.stall(first)
    const second = await rig.take()
    await second.due.claim()
    await second.due.settle(1, interrupted, unknown)
    await first.due.settle(1, delivered(), fired)
    expect(await types()).toEqual(['timer.unknown', 'timer.fired'])
    const [before, after] = await events()
    // What was told stays as it was told.
    expect(before?.body.data.timer.status).toBe('unknown')
    expect(after?.body.data.timer.status).toBe('fired')
  })

  test('unknown that turns out to be unknown is no news', async () => {
    const first = await claimed()
    await rig.stall(first)
    const second = await rig.take()
    await second.due.claim()
    await second.due.settle(1, interrupted, unknown)
    await first.due.settle(1, { outcome: 'ambiguous', sentAt: 1 }, unknown)
    expect(await types()).toEqual(['timer.unknown'])
  })

  test('a timer that was redriven and fails again is told twice', async () => {
    const first = await claimed()
    await first.due.settle(1, rejected, failed)
    await store.redrive(first.id)
    // The callback is due too: whichever comes first.
    for (;;) {
      const hand = await rig.take()
      await hand.due.claim()
      if (hand.id !== first.id) continue
      await hand.due.settle(2, rejected, failed)
      break
    }
    expect(await types()).toEqual(['timer.failed', 'timer.failed'])
  })

  test('cancel, also sent again, tells once', async () => {
    const { id } = await store.create(watched({}, 60_000))
    await store.cancel(id)
    await store.cancel(id)
    expect(await types()).toEqual(['timer.cancelled'])
  })

  test('a claim that comes too late for its timer tells that it has expired', async () => {
    await store.create(watched({ expiresIn: 1 }))
    await eventually(async () => {
      expect((await rig.client.zrange(rig.keys().key('delayed'), 0, '-1')).length).toBe(1)
      const [jobId] = await rig.client.zrange(rig.keys().key('delayed'), 0, '-1')
      expect(Date.now()).toBeGreaterThan(Number((await rig.hash(timerIdOf(String(jobId)))).du) + 1_000)
    })
    const hand = await rig.take()
    expect(await hand.due.claim()).toEqual({ kind: 'expired' })
    expect(await types()).toEqual(['timer.expired'])
  })

  test.each(['fired', 'failed'] as const)('what an unknown is resolved to is told: %s', async (as) => {
    const hand = await claimed()
    await hand.due.settle(1, { outcome: 'ambiguous', sentAt: 1 }, unknown)
    await store.resolve(hand.id, as, 'asked them')
    await store.resolve(hand.id, as, 'asked them').catch(() => {})
    expect(await types()).toEqual(['timer.unknown', `timer.${as}`])
  })

  test('only of the statuses that were asked for', async () => {
    const hand = await claimed({ callback: { url: TOLD, on: ['failed', 'unknown'] } })
    await hand.due.settle(1, delivered(), fired)
    expect(await outbox()).toEqual([])
  })

  describe('events of all timers', () => {
    const events = { url: 'https://ops.example/events', on: ['failed', 'cancelled'] as const }

    test('are written beside the callback, for the statuses that are wanted', async () => {
      const telling = await rig.store({ events })
      const { id } = await telling.create(watched({}, 60_000))
      const { id: plain } = await telling.create(draft(60_000))
      await telling.cancel(id)
      await telling.cancel(plain)
      const urls = await Promise.all(
        (await outbox()).map(async (each) => {
          const { url, callbackOf } = toTimer(each, await rig.hash(each))
          return [callbackOf, url]
        }),
      )
      expect(urls.sort()).toEqual(
        [
          [id, TOLD],
          [id, events.url],
          [plain, events.url],
        ].sort(),
      )
    })

    test('in three shards each has an id of its shard, that no timer has', async () => {
      await rig.redis.flush()
      const telling = await rig.store({ shards: 3, events })
      const timers: number[] = []
      for (let count = 0; count < 12; count += 1) {
        const { id } = await telling.create(draft(60_000))
        timers.push(id)
        await telling.cancel(id)
      }
      const told: number[] = []
      for (const shard of [0, 1, 2]) {
        for (const id of await outbox(shard)) {
          expect((id - 1) % 3).toBe(shard)
          told.push(id)
          expect(await telling.find(id)).toMatchObject({ status: 'pending' })
        }
      }
      expect(told).toHaveLength(12)
      expect(new Set([...told, ...timers]).size).toBe(24)
    })

    test('an id that is taken is passed over: Redis has forgotten that it handed it out', async () => {
      const telling = await rig.store({ events })
      const { id } = await telling.create(draft(60_000))
      await rig.client.set(rig.keys().key('ids'), id - 1)
      await telling.cancel(id)
      const [told = 0] = await outbox()
      expect(told).toBeGreaterThan(id)
      expect(toRecord(id, await rig.hash(id))?.status).toBe('cancelled')
    })
  })
})
