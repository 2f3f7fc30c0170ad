import { rig, states, store, useBed } from './bed.ts'
import { delivered, fired, unknown } from './rig.ts'
import { ALL_ENDED, ALL_UNCLAIMED, failed, interrupted, refusal, rejected } from './states.ts'

describe('resolve', () => {
  useBed()

  test.each(['fired', 'failed'] as const)(
    'of an unknown timer as %s: it is that, with the note',
    async (as) => {
      const id = await states.ended('unknown', { key: 'order-17', labels: ['eu'] })
      const before = await store.find(id)
      const resolved = await store.resolve(id, as, 'the receiver’s log says so')
      expect(resolved).toMatchObject({ status: as, log: before?.log, attempts: 1 })
      expect(resolved?.resolved).toMatchObject({ as, note: 'the receiver’s log says so' })
      expect(await rig.places(id)).toEqual([as === 'fired' ? 'completed' : 'failed'])
      const again = { code: 'NOT_UNKNOWN', status: as }
      expect(await refusal(store.resolve(id, as === 'fired' ? 'failed' : 'fired'))).toEqual(again)
    },
  )

  test('is told of, once', async () => {
    const callback = { url: 'https://a.example/told', on: ['fired'] } as const
    const id = await states.ended('unknown', { callback })
    await store.resolve(id, 'fired')
    expect(await rig.client.zcard(rig.keys().key('outbox'))).toBe(1)
  })

  test('stands when a worker that was given up for lost tells otherwise: that is in the log', async () => {
    const first = await states.givenUp()
    await store.resolve(first.id, 'fired', 'seen there')
    expect(await first.due.settle(1, rejected, failed)).toEqual({ status: 'fired', decided: false })
    expect(await store.find(first.id)).toMatchObject({
      status: 'fired',
      resolved: { note: 'seen there' },
      log: [{ outcome: 'rejected' }],
    })
  })

  test('after the worker that was given up for lost told: it is known already, and refused', async () => {
    const first = await states.givenUp()
    await first.due.settle(1, delivered(), fired)
    expect(await refusal(store.resolve(first.id, 'failed'))).toEqual({ code: 'NOT_UNKNOWN', status: 'fired' })
  })

  test('as failed, and then a redrive: it is sent again, and nothing is said of what a person said', async () => {
    const id = await states.ended('unknown')
    await store.resolve(id, 'failed')
    expect(await store.redrive(id)).toMatchObject({ status: 'pending', resolved: undefined })
    const next = await rig.take()
    expect(await next.due.claim()).toMatchObject({ kind: 'granted', attempt: 2 })
    await rig.stall(next)
    const finder = await rig.take()
    await finder.due.claim()
    await finder.due.settle(2, interrupted, unknown)
    expect(await store.resolve(id, 'fired')).toMatchObject({ status: 'fired', attempts: 2 })
  })

  test.each(ALL_ENDED.filter((status) => status !== 'unknown'))(
    'of one that is %s is refused',
    async (status) => {
      const id = await states.ended(status)
      expect(await refusal(store.resolve(id, 'fired'))).toEqual({ code: 'NOT_UNKNOWN', status })
    },
  )

  test.each(ALL_UNCLAIMED)('of one that %s is refused', async (where) => {
    const { id } = await states.unclaimed(where)
    expect(await refusal(store.resolve(id, 'fired'))).toEqual({ code: 'NOT_UNKNOWN', status: 'pending' })
  })
})
