import { TimerError, type TimerErrorCode } from '@timers/core'
import { type ErrorContext, errorProblem } from './error-problem.ts'
import { problemBody } from './problem.ts'

const toProblem = (error: unknown, context: ErrorContext = {}) => errorProblem(error, context)

describe('errorProblem', () => {
  it.each<[TimerErrorCode, number, boolean]>([
    ['INVALID_DURATION', 400, false],
    ['INVALID_URL', 400, false],
    ['INVALID_PAYLOAD', 400, false],
    ['INVALID_HEADERS', 400, false],
    ['INVALID_TIME', 400, false],
    ['INVALID_KEY', 400, false],
    ['INVALID_LABELS', 400, false],
    ['INVALID_EXPIRY', 400, false],
    ['INVALID_CALLBACK', 400, false],
    ['INVALID_IDEMPOTENCY_KEY', 400, false],
    ['INVALID_CURSOR', 400, false],
    ['INVALID_FILTER', 400, false],
    ['EMPTY_CHANGE', 400, false],
    ['NOT_REDRIVABLE', 409, false],
    ['KEY_TAKEN', 409, false],
    ['ALREADY_FIRING', 409, false],
    ['ALREADY_FINISHED', 409, false],
    ['NOT_UNKNOWN', 409, false],
    ['IDEMPOTENCY_KEY_REUSED', 422, false],
    ['STORE_UNAVAILABLE', 503, true],
    ['STORE_REFUSED', 503, true],
    ['WRONG_REDIS', 503, true],
  ])('answers %s with %i', (code, status, retryAfter) => {
    const found = toProblem(new TimerError(code, 'what to do'))
    expect(found).toMatchObject({ code, status, detail: expect.stringContaining('what to do') })
    expect(found.headers?.['retry-after'] !== undefined).toBe(retryAfter)
  })

  it('names the field of a timer error', () => {
    const error = new TimerError('INVALID_URL', 'url must be shorter', { field: 'url' })
    expect(toProblem(error).errors).toEqual([{ field: 'url', message: 'url must be shorter' }])
  })

  it('hands on what a program can go on with', () => {
    const details = { timer_id: 7 }
    const body = problemBody(toProblem(new TimerError('KEY_TAKEN', 'taken', { details })), 'r1')
    expect(body).toMatchObject({ status: 409, code: 'KEY_TAKEN', timer_id: 7 })
  })

  it('does not let the status of a timer take the place of the status code', () => {
    const details = { status: 'fired' }
    const body = problemBody(toProblem(new TimerError('ALREADY_FINISHED', 'over', { details })), 'r1')
    expect(body).toMatchObject({ status: 409, code: 'ALREADY_FINISHED', timer_status: 'fired' })
  })

  it('says of an operation that may have been done what its route knows of it', () => {
    const error = new TimerError('STORE_UNAVAILABLE', 'Redis cannot be reached')
    const refused = new TimerError('STORE_REFUSED', 'Redis takes no writes')
    const ifUnavailable = 'It is safe to ask again'
    expect(toProblem(error, { ifUnavailable }).detail).toBe(
      'Redis cannot be reached. It is safe to ask again',
    )
    expect(toProblem(error).detail).toBe('Redis cannot be reached')
    expect(toProblem(refused, { ifUnavailable }).detail).toBe('Redis takes no writes')
  })

  it('tells the limit of the route whose body was too large', () => {
    const error = Object.assign(new Error('too large'), {
      code: 'FST_ERR_CTP_BODY_TOO_LARGE',
      statusCode: 413,
    })
    expect(toProblem(error, { bodyLimit: 4_194_304 }).detail).toBe(
      'the body must be at most 4194304 bytes long',
    )
  })

  it('tells a PATCH which types it may have', () => {
    const error = Object.assign(new Error('type'), {
      code: 'FST_ERR_CTP_INVALID_MEDIA_TYPE',
      statusCode: 415,
    })
    const types = 'application/json, application/merge-patch+json'
    expect(toProblem(error, { method: 'PATCH' }).headers).toEqual({ accept: types, 'accept-patch': types })
    expect(toProblem(error, { method: 'POST' }).headers).toEqual({ accept: 'application/json' })
  })

  it.each([
    ['an error nobody planned for', new Error('secret'), 500, 'INTERNAL_ERROR'],
    ['something that is no error', 'secret', 500, 'INTERNAL_ERROR'],
    [
      'a server error of Fastify',
      Object.assign(new Error('secret'), { statusCode: 503 }),
      500,
      'INTERNAL_ERROR',
    ],
    ['a client that went away', Object.assign(new Error('secret'), { statusCode: 400 }), 400, 'BAD_REQUEST'],
  ])('shows nothing of %s', (_name, error, status, code) => {
    const found = toProblem(error)
    expect(found).toMatchObject({ status, code })
    expect(JSON.stringify(found)).not.toContain('secret')
  })
})
