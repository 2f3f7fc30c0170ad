import { rig, store, useBed } from './bed.ts'
import { due, givenUp, lock, retryIn } from './commands-bed.ts'

describe('the commands on a timer', () => {
  useBed()

  describe('defer', () => {
    test('gives back what is not claimed, and says what holds it back until when', async () => {
      const { due: timer, id } = await due()
      const until = Date.now() + 60_000
      await timer.defer(until, 'receiver_down')
      expect(await rig.places(id)).toEqual(['delayed'])
      expect(await rig.client.exists(lock(id))).toBe(0)
      expect(await store.find(id)).toMatchObject({ status: 'pending', held: { by: 'receiver_down', until } })
      expect(await rig.client.zscore(rig.keys().held, `t${id}`)).toBe(String(timer.timer.dueAt))
    })

    test('twice is the same as once, also when another has it by then', async () => {
      const { due: timer, id } = await due()
      await timer.defer(Date.now(), 'receiver_limit')
      const second = await rig.take()
      await timer.defer(Date.now() + 60_000, 'receiver_limit')
      expect(await rig.places(id)).toEqual(['active'])
      expect(await second.due.claim()).toMatchObject({ kind: 'granted', attempt: 1 })
    })

    test('of a timer that a late word has ended meanwhile kept it from being redriven, for as long as its receiver was down', async () => {
      const { first } = await givenUp(retryIn(-1))
      const next = await rig.take()
      await first.due.settle(
        1,
        { outcome: 'rejected', sentAt: 1, responseStatus: 404 },
        { kind: 'final', status: 'failed' },
      )
      await next.due.defer(Date.now() + 3_600_000, 'receiver_down')
      expect(await store.find(first.id)).toMatchObject({ status: 'failed', held: undefined })
      const last = await rig.take()
      expect(await last.due.claim()).toMatchObject({ kind: 'finished', status: 'failed' })
      await last.due.rest()
      expect(await store.redrive(first.id)).toMatchObject({ status: 'pending' })
    })

    test('what is claimed then is held back no longer', async () => {
      const { due: timer, id } = await due()
      await timer.defer(Date.now(), 'receiver_limit')
      const second = await rig.take()
      await second.due.claim()
      expect((await rig.hash(id)).hb).toBeUndefined()
      expect(await rig.client.exists(rig.keys().held)).toBe(0)
    })
  })
})
