import { rig, states, store, useBed } from './bed.ts'
import { delivered, fired } from './rig.ts'
import { ALL_UNCLAIMED, neverSent, refusal, retryIn } from './states.ts'

const HOUR = 3_600_000
const SECOND = 1_000

describe('expiry', () => {
  useBed()

  /** Who holds it asks for the right to send it at another time than now. */
  async function claimAt(id: number, token: string, now: number, nonce = 'nonce') {
    const { vn: version, ats: taking } = await rig.hash(id)
    return rig.commands.claim({ id, token, version, taking }, nonce, now)
  }

  test('up to its last millisecond a timer is sent, and after that it is not', async () => {
    const extras = {
      expiresIn: 5,
      key: 'order-17',
      labels: ['eu'],
      callback: { url: 'https://a.example/told', on: ['expired'] },
    } as const
    const inTime = await states.due({ ...extras, key: 'order-16' })
    const tooLate = await states.due(extras)
    const last = ({ due }: typeof inTime) => due.timer.dueAt + 5 * SECOND
    expect(await claimAt(inTime.id, inTime.token, last(inTime))).toMatchObject({ kind: 'granted' })
    expect(await claimAt(tooLate.id, tooLate.token, last(tooLate) + 1)).toEqual({ kind: 'expired' })
    expect(await store.find(tooLate.id)).toMatchObject({ status: 'expired', attempts: 0, firedAt: undefined })
    expect(await rig.places(tooLate.id)).toEqual(['failed'])
    // A resend, and another worker.
    expect(await claimAt(tooLate.id, tooLate.token, last(tooLate) + 2)).toEqual({
      kind: 'finished',
      status: 'expired',
    })
    expect(await rig.client.zcard(rig.keys().key('outbox'))).toBe(1)
  })

  test('to look at it does not end it', async () => {
    const { id, token } = await states.due({ expiresIn: 1 })
    expect(await claimAt(id, token, Date.now() + HOUR, '')).toEqual({ kind: 'free' })
    expect((await store.find(id))?.status).toBe('pending')
  })

  test('ends nothing that another worker may be sending', async () => {
    const first = await states.claimed({ expiresIn: 1 })
    await rig.stall(first)
    const second = await rig.take()
    expect(await claimAt(second.id, second.token, Date.now() + HOUR, 'other')).toMatchObject({
      kind: 'taken',
    })
    await first.due.settle(1, delivered(), fired)
    await second.due.rest()
    expect((await store.find(first.id))?.status).toBe('fired')
  })

  test('counts from the new time after a change, and from the redrive after a redrive', async () => {
    const { id } = await states.unclaimed('waits for its time', { expiresIn: 60 })
    await store.change(id, { due: { delayMs: 0 } })
    const changed = await rig.take()
    expect(await claimAt(id, changed.token, changed.due.timer.dueAt + 60 * SECOND)).toMatchObject({
      kind: 'granted',
    })
    await rig.commands.settle(
      { id, token: changed.token, taking: (await rig.hash(id)).ats },
      { attempt: 1, nonce: 'nonce', result: neverSent, decision: { kind: 'final', status: 'failed' } },
      Date.now(),
    )
    const at = Date.now() + HOUR
    await store.redrive(id, { at })
    await rig.client.zadd(rig.keys().key('delayed'), 0, `t${id}`)
    const redriven = await rig.take()
    expect(redriven.due.expiresAt).toBe(at + 60 * SECOND)
    expect(await claimAt(id, redriven.token, at + 60 * SECOND, 'again')).toMatchObject({
      kind: 'granted',
      attempt: 2,
    })
  })

  test('while it waits for a retry: the attempts stay in its log, and late words of them change nothing', async () => {
    const first = await states.givenUp(retryIn(-1), { mode: 'at_least_once', expiresIn: 60 })
    const next = await rig.take()
    expect(await claimAt(next.id, next.token, Date.now() + HOUR)).toEqual({ kind: 'expired' })
    expect(await first.due.settle(1, neverSent, retryIn(-1))).toEqual({ status: 'expired', decided: false })
    expect(await store.find(first.id)).toMatchObject({
      status: 'expired',
      attempts: 1,
      log: [{ outcome: 'never_sent' }],
    })
  })

  test.each(ALL_UNCLAIMED)('of a timer that %s may be set, and taken away again', async (where) => {
    const { id } = await states.unclaimed(where)
    expect(await store.change(id, { expiresIn: 7 })).toMatchObject({ expiresIn: 7 })
    expect(await store.change(id, { expiresIn: null })).not.toHaveProperty('expiresIn')
  })

  test('an expired timer is not sent again by a redrive', async () => {
    const id = await states.ended('expired')
    expect(await refusal(store.redrive(id))).toEqual({ code: 'NOT_REDRIVABLE', status: 'expired' })
  })
})
