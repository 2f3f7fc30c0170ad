import { eventually } from '@timers/lab'
import { type ApiBed, expectProblem, openApiBed } from './api-bed.ts'

let bed: ApiBed

beforeAll(async () => {
  bed = await openApiBed()
})
afterAll(() => bed?.close())

const attemptsOf = async (id: number) => (await bed.send('GET', `/timers/${id}`)).json().attempts

describe('POST /timers/:id/redrive', () => {
  it.each(['failed', 'unknown'] as const)('sends a timer that is %s again', async (status) => {
    const id = await bed.timerThatIs(status)
    const reply = await bed.send('POST', `/timers/${id}/redrive`)
    expect(reply.statusCode).toBe(202)
    expect(reply.json()).toMatchObject({ id, status: 'pending', attempts: 1 })
    await eventually(async () => expect(await attemptsOf(id)).toBe(2), { timeoutMs: 10_000 })
  })

  it('makes one attempt for an Idempotency-Key, however often it is sent', async () => {
    const id = await bed.timerThatIs('failed')
    const headers = { 'idempotency-key': '"redrive-1"' }
    const first = await bed.send('POST', `/timers/${id}/redrive`, undefined, headers)
    expect([first.statusCode, first.headers['idempotent-replayed']]).toEqual([202, undefined])
    await eventually(async () => expect(await attemptsOf(id)).toBe(2), { timeoutMs: 10_000 })
    for (const key of ['redrive-1', '"redrive-1"']) {
      const again = await bed.send('POST', `/timers/${id}/redrive`, undefined, { 'idempotency-key': key })
      expect([again.statusCode, again.headers['idempotent-replayed']]).toEqual([202, 'true'])
    }
    const other = await bed.send('POST', `/timers/${id}/redrive`, undefined, { 'idempotency-key': 'other' })
    expect([other.statusCode, other.headers['idempotent-replayed']]).toEqual([202, undefined])
    await eventually(async () => expect(await attemptsOf(id)).toBe(3), { timeoutMs: 10_000 })
  })

  it('refuses where another timer has its key meanwhile, and names it', async () => {
    const id = await bed.timerThatIs('failed', { key: 'redriven' })
    const other = await bed.create({ key: 'redriven' })
    expectProblem(await bed.send('POST', `/timers/${id}/redrive`), 409, 'KEY_TAKEN', { timer_id: other })
  })

  it.each([
    ['a timer that is still pending', undefined, 409, 'NOT_REDRIVABLE'],
    ['digits that were never an id', '0', 404, 'TIMER_NOT_FOUND'],
    ['an id that was not given yet', '999999999', 404, 'TIMER_NOT_FOUND'],
    ['what is no whole number', 'abc', 400, 'INVALID_TIMER_ID'],
  ])('refuses %s', async (_name, given, status, code) => {
    const id = given ?? (await bed.create())
    expectProblem(await bed.send('POST', `/timers/${id}/redrive`), status, code)
  })

  it('refuses an Idempotency-Key that is none', async () => {
    const headers = { 'idempotency-key': 'two words' }
    const reply = await bed.send('POST', '/timers/1/redrive', undefined, headers)
    expectProblem(reply, 400, 'INVALID_IDEMPOTENCY_KEY')
  })

  it.each([
    ['no body', undefined, {}],
    ['no body, and a content type', undefined, { 'content-type': 'application/json' }],
    ['an empty body', '', {}],
    [
      'an empty body of a form, as curl -d has it',
      '',
      { 'content-type': 'application/x-www-form-urlencoded' },
    ],
    ['an empty body of text, as fetch has it', '', { 'content-type': 'text/plain;charset=UTF-8' }],
    ['an empty object', '{}', {}],
    ['an object that means nothing', '{"reason":"fixed"}', {}],
  ])('takes %s', async (_name, body, headers) => {
    const reply = await bed.send('POST', '/timers/999999999/redrive', body, { ...headers })
    expectProblem(reply, 404, 'TIMER_NOT_FOUND')
  })

  it('refuses a body that is not JSON', async () => {
    expectProblem(await bed.send('POST', '/timers/1/redrive', '{broken'), 400, 'INVALID_JSON')
    for (const type of ['text/plain', 'application/x-www-form-urlencoded']) {
      const reply = await bed.send('POST', '/timers/1/redrive', 'reason=fixed', { 'content-type': type })
      expectProblem(reply, 415, 'UNSUPPORTED_MEDIA_TYPE')
    }
  })
})
