import type { AttemptResult, Decision } from '@timers/core'
import { eventually } from '@timers/lab'
import { rig, store, useBed } from './bed.ts'
import { givenUp, neverSent, retryIn } from './commands-bed.ts'
import { delivered, fired, unknown } from './rig.ts'

describe('the commands on a timer', () => {
  useBed()

  describe('a late outcome', () => {
    test('corrects unknown to fired, and the job moves from failed to completed', async () => {
      const { first, id } = await givenUp()
      expect(await rig.places(id)).toEqual(['failed'])
      await first.due.settle(1, delivered(5), fired)
      expect(await rig.places(id)).toEqual(['completed'])
      expect(await store.find(id)).toMatchObject({
        status: 'fired',
        attempts: 1,
        log: [{ outcome: 'delivered' }],
      })
      expect(await rig.hash(id)).not.toHaveProperty('failedReason')
    })

    test('corrects unknown to failed, with the reason', async () => {
      const { first, id } = await givenUp()
      const rejected: AttemptResult = { outcome: 'rejected', sentAt: 5, responseStatus: 500 }
      await first.due.settle(1, rejected, { kind: 'final', status: 'failed' })
      expect(await rig.places(id)).toEqual(['failed'])
      expect(await store.find(id)).toMatchObject({ status: 'failed', responseStatus: 500 })
      expect((await rig.hash(id)).failedReason).toBe('failed: rejected: status 500')
    })

    test('that it never left moves a planned attempt to its own time', async () => {
      const { first, id } = await givenUp(retryIn(60_000))
      await first.due.settle(1, neverSent, retryIn(30))
      expect(await rig.places(id)).toEqual(['delayed'])
      expect((await store.find(id))?.status).toBe('pending')
      const third = await rig.take()
      expect(await third.due.claim()).toMatchObject({ kind: 'granted', attempt: 2 })
    })

    test.each<[string, AttemptResult, Decision]>([
      ['ambiguous', { outcome: 'ambiguous', sentAt: 5, reason: 'no answer in time' }, unknown],
      ['delivered', delivered(5), fired],
      ['never_sent', neverSent, retryIn(60_000)],
    ])('%s, after a redrive was acknowledged, undid that redrive', async (outcome, result, decision) => {
      const { first, id } = await givenUp()
      await store.redrive(id)
      await first.due.settle(1, result, decision)
      expect(await store.find(id)).toMatchObject({ status: 'pending', log: [{ outcome }] })
      const third = await rig.take()
      expect(await third.due.claim()).toMatchObject({ kind: 'granted', attempt: 2 })
    })

    test('wakes a worker that waits for nothing in particular', async () => {
      const { first, id } = await givenUp(retryIn(60_000))
      const seen: number[] = []
      await rig.consumer({
        handle: async (timer) => {
          await timer.settle(2, delivered(), fired)
          seen.push(timer.timer.id)
        },
      })
      await first.due.settle(1, neverSent, retryIn(100))
      await eventually(() => expect(seen).toEqual([id]))
    })

    test('finds the next attempt planned: that one is not sent any more', async () => {
      const { first, id } = await givenUp(retryIn(20))
      expect(await rig.places(id)).toEqual(['delayed'])
      await first.due.settle(1, delivered(5), fired)
      expect(await store.find(id)).toMatchObject({ status: 'fired', attempts: 1, firedAt: 5 })
      expect(await rig.places(id)).toEqual(['completed'])
    })

    test('finds a later attempt claimed: changes only the log', async () => {
      const { first, id } = await givenUp(retryIn(-1))
      const third = await rig.take()
      expect(await third.due.claim()).toMatchObject({ kind: 'granted', attempt: 2 })
      await first.due.settle(1, delivered(5), fired)
      expect(await store.find(id)).toMatchObject({
        status: 'firing',
        attempts: 1,
        log: [{ outcome: 'delivered' }],
      })
      expect(await third.due.settle(2, delivered(9), fired)).toMatchObject({ decided: true })
      expect(await store.find(id)).toMatchObject({ status: 'fired', attempts: 2, firedAt: 5 })
    })

    test('finds a later attempt ended: is told in the log, and when it first left', async () => {
      const { first, id } = await givenUp(retryIn(-1))
      const third = await rig.take()
      await third.due.claim()
      await third.due.settle(
        2,
        { outcome: 'rejected', sentAt: 9, responseStatus: 500 },
        {
          kind: 'final',
          status: 'failed',
        },
      )
      await first.due.settle(1, delivered(5), fired)
      expect(await store.find(id)).toMatchObject({
        status: 'failed',
        attempts: 2,
        firedAt: 5,
        responseStatus: 500,
        log: [{ outcome: 'delivered' }, { outcome: 'rejected' }],
      })
    })

    test('twice is the same as once', async () => {
      const { first, id } = await givenUp()
      await first.due.settle(1, delivered(5), fired)
      const hash = await rig.hash(id)
      await first.due.settle(1, delivered(6), fired)
      expect(await rig.hash(id)).toEqual(hash)
    })
  })

  test('a timer stays a listpack through all of it', async () => {
    const { first, id } = await givenUp()
    await first.due.settle(1, delivered(), fired)
    expect(await rig.client.object('ENCODING', rig.keys().key(`t${id}`))).toBe('listpack')
  })
})
