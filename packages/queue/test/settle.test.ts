import type { Decision } from '@timers/core'
import { rig, store, useBed } from './bed.ts'
import { due, interrupted, lock, neverSent, retryIn } from './commands-bed.ts'
import { delivered, draft, fired, unknown } from './rig.ts'

describe('the commands on a timer', () => {
  useBed()

  describe('settle', () => {
    test('writes what happened and what follows', async () => {
      const { due: timer, id } = await due()
      await timer.claim()
      const result = { ...delivered(timer.timer.dueAt + 7), connectMs: 1 }
      expect(await timer.settle(1, result, fired)).toEqual({ status: 'fired', decided: true })
      expect(await rig.places(id)).toEqual(['completed'])
      expect(await rig.client.exists(lock(id))).toBe(0)
      expect(await store.find(id)).toMatchObject({
        status: 'fired',
        attempts: 1,
        latenessMs: 7,
        responseStatus: 200,
        log: [{ attempt: 1, outcome: 'delivered', connectMs: 1 }],
      })
    })

    test('twice is the same as once', async () => {
      const { due: timer, id } = await due()
      await timer.claim()
      await timer.settle(1, delivered(), fired)
      const hash = await rig.hash(id)
      expect(await timer.settle(1, delivered(), fired)).toEqual({ status: 'fired', decided: false })
      expect(await rig.hash(id)).toEqual(hash)
    })

    test('a retry twice is the same as once', async () => {
      const { due: timer, id } = await due()
      await timer.claim()
      const at = Date.now() + 5_000
      expect(await timer.settle(1, neverSent, { kind: 'retry', at })).toMatchObject({ decided: true })
      const again: Decision = { kind: 'retry', at: at + 1 }
      expect(await timer.settle(1, neverSent, again)).toEqual({ status: undefined, decided: false })
      expect(await store.find(id)).toMatchObject({ attempts: 1, nextAttemptAt: at })
      expect(await rig.places(id)).toEqual(['delayed'])
    })

    test('the first word stands: a late interrupted changes nothing', async () => {
      const first = await due()
      await first.due.claim()
      await rig.stall(first)
      const second = await rig.take()
      await second.due.claim()
      expect(await first.due.settle(1, delivered(), fired)).toEqual({ status: 'fired', decided: true })
      expect(await second.due.settle(1, interrupted, unknown)).toEqual({ status: 'fired', decided: false })
      expect((await store.find(first.id))?.log).toHaveLength(1)
      expect(await rig.places(first.id)).toEqual(['completed'])
    })

    test.each(['active', 'wait'])('a worker that lost the job still writes: it lies in %s', async (place) => {
      const hand = await due()
      await hand.due.claim()
      if (place === 'wait') await rig.stall(hand)
      else await rig.client.del(lock(hand.id))
      expect(await rig.places(hand.id)).toEqual([place])
      expect(await hand.due.settle(1, delivered(), fired)).toEqual({ status: 'fired', decided: true })
      expect((await store.find(hand.id))?.status).toBe('fired')
      expect(await rig.places(hand.id)).toEqual(['completed'])
    })

    test('keeps the last ten attempts, and counts them all', async () => {
      const { id } = await store.create(draft(1))
      for (let attempt = 1; attempt <= 12; attempt += 1) {
        const { due: again } = await rig.take()
        expect(await again.claim()).toMatchObject({ kind: 'granted', attempt })
        await again.settle(attempt, neverSent, retryIn(-1))
      }
      const record = await store.find(id)
      expect(record?.attempts).toBe(12)
      expect(record?.log.map(({ attempt }) => attempt)).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
    })
  })
})
