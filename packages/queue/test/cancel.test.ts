import { eventually } from '@timers/lab'
import { rig, states, store, useBed } from './bed.ts'
import { delivered, draft, fired } from './rig.ts'
import { ALL_ENDED, ALL_UNCLAIMED, expectFlawless, neverSent, refusal, retryIn } from './states.ts'

const EXTRAS = {
  key: 'order-17',
  labels: ['eu', 'mail'],
  callback: { url: 'https://a.example/told', on: ['cancelled'] },
} as const

describe('cancel', () => {
  useBed()

  describe.each(ALL_UNCLAIMED)('of a timer that %s', (where) => {
    test('is final: who had it claims in vain, and nobody takes it any more', async () => {
      const { id, hand } = await states.unclaimed(where, EXTRAS)
      const before = await store.find(id)
      expect(await store.cancel(id)).toMatchObject({
        id,
        status: 'cancelled',
        dueAt: before?.dueAt,
        key: 'order-17',
      })
      await expectFlawless(rig)
      expect(await rig.places(id)).toEqual(['completed'])
      // A worker that does not know yet does all that it would do.
      if (hand !== undefined) {
        expect(await hand.due.peek()).toEqual({ kind: 'finished', status: 'cancelled' })
        expect(await hand.due.claim()).toEqual({ kind: 'finished', status: 'cancelled' })
        await hand.due.defer(Date.now())
        await hand.due.rest()
      }
      expect(await store.find(id)).toMatchObject({
        status: 'cancelled',
        held: undefined,
        nextAttemptAt: undefined,
      })
      expect(await rig.places(id)).toEqual(['completed'])
      const told = await rig.take()
      expect(told.due.timer).toMatchObject({ callbackOf: id, url: EXTRAS.callback.url })
      expect(await rig.client.llen(rig.keys().key('wait'))).toBe(0)
    })

    test('is answered the same when it is sent again, and is told of once', async () => {
      const { id } = await states.unclaimed(where, EXTRAS)
      const first = await store.cancel(id)
      expect(await store.cancel(id)).toEqual(first)
      expect(await store.cancel({ key: 'order-17' })).toEqual(first)
      expect(await rig.client.zcard(rig.keys().key('outbox'))).toBe(1)
    })
  })

  test('of one that a worker has claimed is refused, also when that worker was lost', async () => {
    const hand = await states.claimed()
    const firing = { code: 'ALREADY_FIRING', status: 'firing' }
    expect(await refusal(store.cancel(hand.id))).toEqual(firing)
    await rig.stall(hand)
    expect(await refusal(store.cancel(hand.id))).toEqual(firing)
    const second = await rig.take()
    expect(await second.due.claim()).toMatchObject({ kind: 'taken' })
    expect(await refusal(store.cancel(hand.id))).toEqual(firing)
    await hand.due.settle(1, delivered(), fired)
    expect(await refusal(store.cancel(hand.id))).toEqual({ code: 'ALREADY_FINISHED', status: 'fired' })
    await second.due.rest()
  })

  test.each(ALL_ENDED.filter((status) => status !== 'cancelled'))(
    'of one that is %s is refused',
    async (status) => {
      const id = await states.ended(status)
      expect(await refusal(store.cancel(id))).toEqual({ code: 'ALREADY_FINISHED', status })
    },
  )

  test('of one that is not there, was removed, or is a callback finds nothing', async () => {
    expect(await store.cancel(4711)).toBeUndefined()
    expect(await store.cancel({ key: 'nobody' })).toBeUndefined()
    const { id } = await store.create({ ...draft(3_600_000), ...EXTRAS })
    await store.cancel(id)
    const callback = await rig.take()
    expect(await store.cancel(callback.id)).toBeUndefined()
    expect(await callback.due.claim()).toMatchObject({ kind: 'granted' })
    await callback.due.settle(1, delivered(), fired)
  })

  test('was undone by a worker that was given up for lost and said that its request had never left', async () => {
    const first = await states.givenUp(retryIn(3_600_000), { mode: 'at_least_once', ...EXTRAS })
    await store.cancel(first.id)
    expect(await first.due.settle(1, neverSent, retryIn(-1))).toEqual({ status: 'cancelled', decided: false })
    expect(await store.find(first.id)).toMatchObject({ status: 'cancelled', nextAttemptAt: undefined })
    expect(await rig.places(first.id)).toEqual(['completed'])
  })

  test('stands when a worker that was given up for lost tells of an answer to an earlier attempt: that is in the log', async () => {
    const first = await states.givenUp(retryIn(3_600_000), { mode: 'at_least_once' })
    await store.cancel(first.id)
    await first.due.settle(1, delivered(), fired)
    expect(await store.find(first.id)).toMatchObject({
      status: 'cancelled',
      attempts: 1,
      firedAt: expect.any(Number),
      log: [{ outcome: 'delivered' }],
    })
    expect((await store.cancel(first.id))?.status).toBe('cancelled')
  })

  test('a claim and a cancel at the same moment: one of them wins, and each is told so', async () => {
    const won = { cancel: 0, claim: 0 }
    for (let round = 0; round < 60; round += 1) {
      const { due, id } = await states.due()
      const claim = async () => {
        // A little later each time.
        for (let lag = 0; lag < round % 6; lag += 1) await rig.client.ping()
        return (await due.claim()).kind
      }
      const cancel = () =>
        store.cancel(id).then(
          () => 'cancelled',
          () => 'refused',
        )
      const both = round % 2 === 0 ? [claim(), cancel()] : [cancel(), claim()]
      const said = new Set(await Promise.all(both))
      const cancelWon = said.has('cancelled')
      expect(said).toEqual(cancelWon ? new Set(['cancelled', 'finished']) : new Set(['granted', 'refused']))
      won[cancelWon ? 'cancel' : 'claim'] += 1
      if (!cancelWon) await due.settle(1, delivered(), fired)
    }
    expect(won.cancel).toBeGreaterThan(0)
    expect(won.claim).toBeGreaterThan(0)
  })

  test('a worker that has it in hand, unclaimed, lets go of it and takes the next', async () => {
    const [first] = await Promise.all([store.create(draft(1))])
    let cancelled = false
    const kinds: string[] = []
    await rig.consumer({
      concurrency: 1,
      handle: async (due) => {
        if (due.timer.id === first.id && !cancelled) {
          await store.cancel(first.id)
          cancelled = true
        }
        const claim = await due.claim()
        kinds.push(claim.kind)
        if (claim.kind === 'granted') await due.settle(claim.attempt, delivered(), fired)
        else await due.rest()
      },
    })
    const next = await store.create(draft(1))
    await eventually(async () => expect((await store.find(next.id))?.status).toBe('fired'))
    expect(kinds).toEqual(['finished', 'granted'])
    expect((await store.find(first.id))?.status).toBe('cancelled')
  })
})
