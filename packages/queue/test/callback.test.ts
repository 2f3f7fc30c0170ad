import { eventually } from '@timers/lab'
import { jobIdOf, timerIdOf } from '../src/shards/shard-keys.ts'
import { TimerCommands } from '../src/timers/timer-commands.ts'
import { rig, store, useBed } from './bed.ts'
import { ALL, claimed, failed, interrupted, outbox, rejected, TOLD } from './outbox-bed.ts'
import { delivered, draft, fired, type Hand } from './rig.ts'

describe('the outbox', () => {
  useBed()

  const undelivered = async () =>
    (await rig.client.zrange(rig.keys().key('undelivered'), 0, '-1')).map(timerIdOf)

  describe('a callback', () => {
    /** A due callback, claimed. */
    async function due(): Promise<Hand & { readonly of: number }> {
      const hand = await claimed()
      await hand.due.settle(1, delivered(), fired)
      const callback = await rig.take()
      expect(callback.due.timer.callbackOf).toBe(hand.id)
      expect(await callback.due.claim()).toMatchObject({ kind: 'granted', attempt: 1 })
      return { ...callback, of: hand.id }
    }

    test('that was delivered is gone at once, with all that belongs to it', async () => {
      const { due: callback, id, of } = await due()
      expect(await callback.settle(1, delivered(), fired)).toEqual({ status: 'fired', decided: true })
      expect(await outbox()).toEqual([])
      expect(await rig.places(id)).toEqual([])
      const keys = await rig.client.keys(`${rig.keys().key(jobIdOf(id))}*`)
      expect(keys).toEqual([])
      expect(await rig.client.lpos(rig.keys().key('finished'), `t${id}`)).toBeNull()
      expect((await store.find(of))?.status).toBe('fired')
    })

    test('that was delivered by a worker given up for lost is gone, too', async () => {
      const first = await due()
      await rig.stall(first)
      const second = await rig.take()
      expect(await second.due.claim()).toMatchObject({ kind: 'taken' })
      await second.due.settle(1, interrupted, { kind: 'retry', at: Date.now() + 60_000 })
      await first.due.settle(1, delivered(), fired)
      expect(await outbox()).toEqual([])
      expect(await rig.places(first.id)).toEqual([])
      expect(await rig.hash(first.id)).toEqual({})
      expect(await rig.client.exists(rig.keys().key('retries'))).toBe(0)
    })

    test('that was delivered by a lost worker while another has it in hand goes with that one', async () => {
      const first = await due()
      await rig.stall(first)
      const second = await rig.take()
      expect(await second.due.claim()).toMatchObject({ kind: 'taken' })
      await second.due.settle(1, interrupted, { kind: 'retry', at: Date.now() - 1 })
      const third = await rig.take()
      await first.due.settle(1, delivered(), fired)
      expect(await third.due.claim()).toEqual({ kind: 'finished', status: 'fired' })
      await third.due.rest()
      expect(await outbox()).toEqual([])
      expect(await rig.places(first.id)).toEqual([])
      expect(await rig.client.keys(`${rig.keys().key(jobIdOf(first.id))}*`)).toEqual([])
    })

    test.each(['failed', 'unknown'] as const)(
      'that ends as %s makes no callback, and stays to be seen',
      async (status) => {
        const { due: callback, id, of } = await due()
        await callback.settle(1, rejected, { kind: 'final', status })
        expect(await outbox()).toEqual([id])
        expect(await rig.places(id)).toEqual(['failed'])
        expect(await store.find(id)).toMatchObject({ status, callbackOf: of })
        expect(await undelivered()).toEqual([id])
      },
    )

    test('that could not be delivered for five days ends as expired, and makes no callback', async () => {
      const telling = await rig.store({ events: { url: TOLD, on: ALL } })
      const { id: of } = await telling.create(draft(60_000))
      await telling.cancel(of)
      const [id = 0] = await outbox()
      const longAgo = Date.now() - 5 * 86_400_000 - 1_000
      await rig.client.hset(rig.keys().key(jobIdOf(id)), 'du', longAgo)
      const callback = await rig.take()
      const commands = new TimerCommands(rig.client, rig.keys(), { events: { url: TOLD, on: ALL } })
      const due = await rig.due(id, callback.token, commands)
      expect(await due.claim()).toEqual({ kind: 'expired' })
      expect(await outbox()).toEqual([id])
      expect(await undelivered()).toEqual([id])
      expect(await rig.client.exists(rig.keys().key('expired'))).toBe(0)
    })

    test('that failed can be redriven, and is tried again', async () => {
      const { due: callback, id } = await due()
      await callback.settle(1, rejected, failed)
      await store.redrive(id)
      expect(await undelivered()).toEqual([])
      const again = await rig.take()
      expect(again.id).toBe(id)
      await again.due.claim()
      await again.due.settle(2, delivered(), fired)
      expect(await outbox()).toEqual([])
    })

    test('is nobody’s timer: it is not cancelled, changed, fired or resolved', async () => {
      const hand = await claimed()
      await hand.due.settle(1, delivered(), fired)
      const [id = 0] = await outbox()
      const before = await rig.hash(id)
      expect(await store.cancel(id)).toBeUndefined()
      expect(await store.change(id, { url: 'https://elsewhere.example/' })).toBeUndefined()
      expect(await store.fire(id)).toBeUndefined()
      expect(await store.resolve(id, 'fired')).toBeUndefined()
      expect(await rig.hash(id)).toEqual(before)
      expect(await store.find(id)).toMatchObject({ callbackOf: hand.id, status: 'pending' })
    })

    test('that was given up goes with the retention', async () => {
      const { due: callback, id } = await due()
      await callback.settle(1, rejected, failed)
      const sweeping = await rig.consumer({ retentionDays: 1 / 86_400, handle: async () => {} })
      await eventually(async () => expect(await outbox()).toEqual([]))
      await sweeping.stop()
      expect(await undelivered()).toEqual([])
      expect(await rig.hash(id)).toEqual({})
      expect(await rig.places(id)).toEqual([])
    })

    test('lives through a kill of Redis right after the outcome', async () => {
      const hand = await claimed()
      await hand.due.settle(1, delivered(), fired)
      const [id = 0] = await outbox()
      const before = await rig.hash(id)
      await rig.redis.restart()
      await eventually(async () => expect(await rig.hash(id)).toEqual(before))
      expect(await outbox()).toEqual([id])
      expect((await rig.take()).id).toBe(id)
    })
  })
})
