import { eventually } from '@timers/lab'
import { type ApiBed, expectProblem, openApiBed } from './api-bed.ts'

let bed: ApiBed

beforeAll(async () => {
  bed = await openApiBed()
})
afterAll(() => bed?.close())

const statusOf = async (id: number) => (await bed.send('GET', `/timers/${id}`)).json().status

describe('POST /timers/:id/fire', () => {
  it('makes a timer due now', async () => {
    const id = await bed.create()
    const reply = await bed.send('POST', `/timers/${id}/fire`)
    expect(reply.statusCode).toBe(202)
    const timer = reply.json()
    expect(timer).toMatchObject({ id, time_left: 0, status: 'pending', waiting_for: 'worker' })
    expect(Math.abs(Date.parse(timer.due_at) - Date.now())).toBeLessThan(10_000)
    await eventually(async () => expect(await statusOf(id)).toBe('fired'), { timeoutMs: 10_000 })
  })

  it('answers the first answer again to the same Idempotency-Key', async () => {
    const id = await bed.create()
    const headers = { 'idempotency-key': 'fire-once' }
    const first = await bed.send('POST', `/timers/${id}/fire`, undefined, headers)
    expect([first.statusCode, first.headers['idempotent-replayed']]).toEqual([202, undefined])
    await eventually(async () => expect(await statusOf(id)).toBe('fired'), { timeoutMs: 10_000 })
    const again = await bed.send('POST', `/timers/${id}/fire`, undefined, headers)
    expect([again.statusCode, again.headers['idempotent-replayed']]).toEqual([202, 'true'])
    expect(again.json()).toMatchObject({ id, attempts: 1 })
  })

  it('refuses what is not pending', async () => {
    const firing = await bed.timerThatIs('firing')
    const reply = await bed.send('POST', `/timers/${firing}/fire`)
    expectProblem(reply, 409, 'ALREADY_FIRING', { timer_status: 'firing' })
    const cancelled = await bed.create()
    await bed.send('DELETE', `/timers/${cancelled}`)
    const refused = await bed.send('POST', `/timers/${cancelled}/fire`)
    expectProblem(refused, 409, 'ALREADY_FINISHED', { timer_status: 'cancelled' })
  })

  it.each([
    ['an id that was not given yet', '999999999', 404, 'TIMER_NOT_FOUND'],
    ['what is no whole number', 'abc', 400, 'INVALID_TIMER_ID'],
  ])('refuses %s', async (_name, id, status, code) => {
    expectProblem(await bed.send('POST', `/timers/${id}/fire`), status, code)
  })

  it.each(['', 'two words', 'ü', 'x'.repeat(256), '"unclosed', '""'])(
    'refuses the Idempotency-Key %.20j',
    async (key) => {
      const id = await bed.create()
      const reply = await bed.send('POST', `/timers/${id}/fire`, undefined, { 'idempotency-key': key })
      expectProblem(reply, 400, 'INVALID_IDEMPOTENCY_KEY', { errors: [{ field: 'Idempotency-Key' }] })
      expect(await statusOf(id)).toBe('pending')
    },
  )
})
