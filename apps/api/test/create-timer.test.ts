import { api, post, redis, URL } from './create-bed.ts'
import { startTestApi } from './test-api.ts'

describe('POST /timers creates', () => {
  it('a timer, and answers 201 with its location, id and time left first', async () => {
    const before = Date.now()
    const reply = await post({ hours: 4, minutes: 0, seconds: 1, url: URL })
    const after = Date.now()

    expect(reply.statusCode).toBe(201)
    expect(reply.headers['content-type']).toBe('application/json; charset=utf-8')
    const body = reply.json()
    expect(Object.keys(body)).toEqual(['id', 'time_left', 'status', 'due_at'])
    expect(body).toMatchObject({ id: expect.any(Number), time_left: 14_401, status: 'pending' })
    expect(Number.isInteger(body.id) && body.id > 0).toBe(true)
    expect(reply.headers.location).toBe(`/timers/${body.id}`)
    expect(body.due_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    expect(Date.parse(body.due_at)).toBeGreaterThanOrEqual(before + 14_401_000)
    expect(Date.parse(body.due_at)).toBeLessThanOrEqual(after + 14_401_000)
  })

  it('timers with different ids', async () => {
    const replies = await Promise.all(Array.from({ length: 50 }, () => post({ seconds: 60, url: URL })))
    expect(new Set(replies.map((reply) => reply.json().id)).size).toBe(50)
  })

  it.each([
    ['hours alone', { hours: 1 }, 3_600],
    ['minutes beyond 59', { minutes: 90 }, 5_400],
    ['seconds beyond 59', { seconds: 7_200 }, 7_200],
    ['zeros beside one second', { hours: 0, minutes: 0, seconds: 1 }, 1],
    ['the longest duration', { seconds: 31_536_000 }, 31_536_000],
    [
      'whole numbers written with a point or exponent',
      '{"seconds":1e1,"minutes":1.0,"url":"https://a.b"}',
      70,
    ],
  ])('%s', async (_name, given, timeLeft) => {
    const reply = await post(typeof given === 'string' ? given : { ...given, url: URL })
    expect(reply.statusCode).toBe(201)
    expect(reply.json().time_left).toBe(timeLeft)
  })

  it.each([
    'https://a.b/c?x=1#f',
    'http://localhost:8080',
    'http://[2606:4700::1111]:9/x',
    `https://a.b/${'x'.repeat(2_036)}`,
  ])('a timer for the URL %.40s', async (url) => {
    expect((await post({ seconds: 60, url })).statusCode).toBe(201)
  })

  it.each([
    'http://127.0.0.1/x',
    'http://2130706433/x',
    'http://[::1]:9/x',
    'http://[::ffff:10.0.0.1]/x',
    'https://169.254.169.254/latest/meta-data',
  ])('no timer for the address %s, which is not public', async (url) => {
    const reply = await post({ seconds: 60, url })
    expect(reply.statusCode).toBe(400)
    expect(reply.json()).toMatchObject({ code: 'INVALID_URL', errors: [{ field: 'url' }] })
  })

  it('a timer for an address that DELIVERY_ALLOW_CIDRS opens', async () => {
    const open = await startTestApi({ redisUrl: redis.url, env: { DELIVERY_ALLOW_CIDRS: '127.0.0.0/8' } })
    try {
      await open.ready()
      const send = (url: string) =>
        open.app.inject({ method: 'POST', url: '/timers', payload: { seconds: 60, url } })
      expect((await send('http://127.0.0.1/x')).statusCode).toBe(201)
      expect((await send('http://10.0.0.1/x')).statusCode).toBe(400)
    } finally {
      await open.close()
    }
  })

  it.each([
    'application/json; charset=utf-8',
    'application/json;charset="UTF-8"',
    'Application/JSON; charset=utf8',
    'application/json; profile=x',
  ])('a timer from the content type %s', async (contentType) => {
    const reply = await post(JSON.stringify({ seconds: 60, url: URL }), { 'content-type': contentType })
    expect(reply.statusCode).toBe(201)
  })

  it.each([
    ['a payload of null', { payload: null }],
    ['a payload nested 32 levels deep', { payload: JSON.parse('['.repeat(32) + ']'.repeat(32)) }],
    ['a payload of 8 KiB', { payload: 'x'.repeat(8_190) }],
    [
      'all options',
      { delivery: 'at_least_once', max_attempts: 30, headers: { 'X-Order': '7' }, payload: { a: [1] } },
    ],
    [
      'headers named like parts of every object',
      { headers: { constructor: '1', toString: '2', hasOwnProperty: '3' } },
    ],
  ])('a timer with %s', async (_name, options) => {
    expect((await post({ seconds: 60, url: URL, ...options })).statusCode).toBe(201)
  })

  it('and logs one line with the origin of the target, not its path or query', async () => {
    const reply = await post({ seconds: 60, url: 'https://example.com:8443/secret-path?token=secret-query' })
    const lines = api.logs.filter((line) => line.timerId === reply.json().id)
    expect(lines).toEqual([
      expect.objectContaining({
        level: 30,
        msg: 'timer created',
        origin: 'https://example.com:8443',
        reqId: reply.headers['x-request-id'],
      }),
    ])
    expect(JSON.stringify(api.logs)).not.toMatch(/secret/)
  })
})
