import { type ApiBed, expectProblem, openApiBed } from './api-bed.ts'

let bed: ApiBed

beforeAll(async () => {
  bed = await openApiBed()
})
afterAll(() => bed?.close())

describe('POST /timers/:id/resolve', () => {
  it.each([
    ['fired', undefined],
    ['failed', 'the receiver has no order 17'],
    ['fired', 'é😀'.repeat(250)],
  ])('settles an unknown timer as %s', async (as, note) => {
    const id = await bed.timerThatIs('unknown')
    const before = Date.now()
    const reply = await bed.send('POST', `/timers/${id}/resolve`, { as, note })
    expect(reply.statusCode).toBe(200)
    const timer = reply.json()
    expect(timer).toMatchObject({ id, status: as, resolved: { as, ...(note !== undefined && { note }) } })
    expect(Date.parse(timer.resolved.at)).toBeGreaterThanOrEqual(before)
    expect((await bed.send('GET', `/timers/${id}`)).json()).toEqual(timer)
    expect(JSON.stringify(bed.api.logs)).not.toContain('order 17')
  })

  it('refuses what is not unknown, with its status', async () => {
    const pending = await bed.create()
    const failed = await bed.timerThatIs('failed')
    for (const [id, status] of [
      [pending, 'pending'],
      [failed, 'failed'],
    ] as const) {
      const reply = await bed.send('POST', `/timers/${id}/resolve`, { as: 'fired' })
      expectProblem(reply, 409, 'NOT_UNKNOWN', { timer_status: status })
    }
  })

  it.each<[string, string | object, string, string]>([
    ['nothing', {}, 'as', 'as is required and must be fired or failed'],
    ['another end', { as: 'unknown' }, 'as', 'as must be fired or failed'],
    ['no text', { as: true }, 'as', 'as must be fired or failed'],
    ['a note of 501 characters', { as: 'fired', note: 'x'.repeat(501) }, 'note', 'at most 500 characters'],
    ['a note that is no text', { as: 'fired', note: 5 }, 'note', 'note must be text'],
    ['an unknown field', { as: 'fired', why: 'x' }, 'why', 'why is not a field of a resolution'],
    ['no object', '[]', 'body', 'the body must be a JSON object, such as {"as": "fired"}'],
  ])('refuses %s', async (_name, body, field, message) => {
    const reply = await bed.send('POST', '/timers/1/resolve', body)
    expectProblem(reply, 400, 'INVALID_BODY', { errors: [{ field }] })
    expect(reply.json().detail).toContain(message)
  })

  it.each([
    ['an id that was not given yet', '999999999', 404, 'TIMER_NOT_FOUND'],
    ['what is no whole number', 'abc', 400, 'INVALID_TIMER_ID'],
  ])('refuses %s', async (_name, id, status, code) => {
    expectProblem(await bed.send('POST', `/timers/${id}/resolve`, { as: 'fired' }), status, code)
  })

  it('refuses a request without a body', async () => {
    expectProblem(await bed.send('POST', '/timers/1/resolve'), 400, 'INVALID_BODY')
  })
})
