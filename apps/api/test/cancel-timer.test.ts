import { type ApiBed, expectProblem, openApiBed } from './api-bed.ts'

let bed: ApiBed

beforeAll(async () => {
  bed = await openApiBed()
})
afterAll(() => bed?.close())

describe('DELETE /timers/:id', () => {
  it('cancels, and shows the timer as GET does', async () => {
    const id = await bed.create()
    const reply = await bed.send('DELETE', `/timers/${id}`)
    expect(reply.statusCode).toBe(200)
    expect(reply.headers['content-type']).toBe('application/json; charset=utf-8')
    const timer = reply.json()
    expect(timer).toMatchObject({ id, time_left: 0, status: 'cancelled', attempt_log: [] })
    expect(timer.waiting_for).toBeUndefined()
    expect((await bed.send('GET', `/timers/${id}`)).json()).toEqual(timer)
  })

  it('answers 200 again when it is sent again', async () => {
    const id = await bed.create()
    const first = await bed.send('DELETE', `/timers/${id}`)
    const again = await bed.send('DELETE', `/timers/${id}`)
    expect([first.statusCode, again.statusCode]).toEqual([200, 200])
    expect(again.json()).toEqual(first.json())
  })

  it.each<[string, string | undefined, Record<string, string>]>([
    ['a content type and no body', undefined, { 'content-type': 'application/json' }],
    ['an empty body', '', { 'content-type': 'application/json' }],
    ['an empty object', '{}', {}],
  ])('takes %s', async (_name, body, headers) => {
    const id = await bed.create()
    expect((await bed.send('DELETE', `/timers/${id}`, body, headers)).statusCode).toBe(200)
  })

  it('says which side won: a worker has claimed it', async () => {
    const id = await bed.timerThatIs('firing')
    expectProblem(await bed.send('DELETE', `/timers/${id}`), 409, 'ALREADY_FIRING', {
      timer_status: 'firing',
    })
  })

  it.each(['fired', 'failed', 'unknown'] as const)('refuses one that is %s', async (status) => {
    const id = await bed.timerThatIs(status)
    const reply = await bed.send('DELETE', `/timers/${id}`)
    expectProblem(reply, 409, 'ALREADY_FINISHED', { timer_status: status })
  })

  it.each([
    ['digits that were never an id', '0', 404, 'TIMER_NOT_FOUND'],
    ['an id that was not given yet', '999999999', 404, 'TIMER_NOT_FOUND'],
    ['what is no whole number', 'abc', 400, 'INVALID_TIMER_ID'],
    ['a number below 0', '-1', 400, 'INVALID_TIMER_ID'],
  ])('refuses %s', async (_name, id, status, code) => {
    expectProblem(await bed.send('DELETE', `/timers/${id}`), status, code)
  })

  it('refuses a body that is not JSON', async () => {
    const id = await bed.create()
    expectProblem(await bed.send('DELETE', `/timers/${id}`, '{broken'), 400, 'INVALID_JSON')
    expectProblem(
      await bed.send('DELETE', `/timers/${id}`, 'x', { 'content-type': 'text/plain' }),
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    )
    expect((await bed.send('GET', `/timers/${id}`)).json().status).toBe('pending')
  })

  it('is logged in one line', async () => {
    const id = await bed.create()
    const reply = await bed.send('DELETE', `/timers/${id}`)
    expect(bed.api.logs.filter(({ timerId, msg }) => timerId === id && msg !== 'timer created')).toEqual([
      expect.objectContaining({ level: 30, msg: 'timer cancelled', reqId: reply.headers['x-request-id'] }),
    ])
  })
})
