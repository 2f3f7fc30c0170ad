import { eventually, startTestRedis, type TestRedis, timed } from '@timers/lab'
import { startTestApi, type TestApi } from './test-api.ts'

/** The promise: an answer within two seconds, whatever Redis does. */
const PROMISED_MS = 2_000

let redis: TestRedis
let api: TestApi | undefined

beforeEach(async () => {
  redis = await startTestRedis()
})

afterEach(async () => {
  await api?.close()
  api = undefined
  await redis.stop()
})

async function startApi(): Promise<TestApi> {
  api = await startTestApi({ redisUrl: redis.url })
  return api
}

async function create({ app }: TestApi) {
  const payload = { seconds: 60, url: 'https://example.com' }
  const { value: reply, tookMs } = await timed(() => app.inject({ method: 'POST', url: '/timers', payload }))
  return { reply, tookMs }
}

async function expect503(api: TestApi): Promise<void> {
  const { reply, tookMs } = await create(api)
  expect(reply.statusCode).toBe(503)
  expect(tookMs).toBeLessThan(PROMISED_MS)
  expect(reply.headers['content-type']).toBe('application/problem+json')
  expect(Number(reply.headers['retry-after'])).toBeGreaterThan(0)
  expect(reply.json()).toMatchObject({
    status: 503,
    code: 'STORE_UNAVAILABLE',
    detail: expect.stringContaining('may or may not have been created'),
  })
  const { value: read, tookMs: readMs } = await timed(() => api.app.inject('/timers/1'))
  expect(readMs).toBeLessThan(PROMISED_MS)
  expect(read.statusCode).toBe(503)
  expect(read.json().detail).not.toContain('created')
}

const expect201 = (api: TestApi) =>
  eventually(async () => expect((await create(api)).reply.statusCode).toBe(201), { timeoutMs: 10_000 })

describe('while Redis is away', () => {
  it('answers 503 within two seconds, and recovers when it was killed and comes back', async () => {
    const api = await startApi()
    await api.ready()
    await expect201(api)
    const created = (await create(api)).reply.json().id

    await redis.kill()
    await expect503(api)
    await eventually(async () => expect((await api.app.inject('/readyz')).statusCode).toBe(503))
    expect((await api.app.inject('/healthz')).statusCode).toBe(200)

    await redis.restart()
    await expect201(api)
    await eventually(async () => expect((await api.app.inject('/readyz')).statusCode).toBe(200))
    expect((await api.app.inject(`/timers/${created}`)).json()).toMatchObject({
      id: created,
      status: 'pending',
    })
  })

  it('answers 503 within two seconds when it hangs, and recovers when it goes on', async () => {
    const api = await startApi()
    await api.ready()
    redis.pause()
    await expect503(api)
    await expect503(api)
    redis.resume()
    await expect201(api)
  })

  it('starts, listens and answers 503 at once, and recovers when Redis comes', async () => {
    await redis.shutDown()
    const api = await startApi()
    const port = await api.listen()
    const reply = await fetch(`http://127.0.0.1:${port}/timers`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ seconds: 60, url: 'https://example.com' }),
    })
    expect(reply.status).toBe(503)
    await expect503(api)
    await redis.restart()
    await expect201(api)
  })

  it('logs what went wrong at error, and the reason Redis gave', async () => {
    const api = await startApi()
    await api.ready()
    await redis.kill()
    await expect503(api)
    expect(api.logs).toContainEqual(
      expect.objectContaining({ level: 50, msg: 'request failed', code: 'STORE_UNAVAILABLE', status: 503 }),
    )
  })
})

describe('what a 503 says of asking again', () => {
  it.each<[string, 'DELETE' | 'PATCH' | 'POST' | 'PUT', string, string | undefined, RegExp]>([
    [
      'a create',
      'POST',
      '/timers',
      undefined,
      /may or may not have been created: a new request creates another/,
    ],
    ['a create', 'POST', '/timers', undefined, /With an Idempotency-Key it would be safe/],
    [
      'a create with a key',
      'POST',
      '/timers',
      'a',
      /again with the same Idempotency-Key: that creates no second/,
    ],
    ['an upsert', 'PUT', '/timers/by-key/a', undefined, /again: it leaves one pending timer with this key/],
    ['a cancel', 'DELETE', '/timers/1', undefined, /may or may not have been cancelled. .* that is safe/],
    ['a change', 'PATCH', '/timers/by-key/a', undefined, /may or may not have been changed. .* that is safe/],
    ['a fire', 'POST', '/timers/1/fire', undefined, /may or may not be due now. .* it fires once/],
    ['a redrive', 'POST', '/timers/1/redrive', undefined, /ask with an Idempotency-Key: then that is safe/],
    ['a redrive with a key', 'POST', '/timers/1/redrive', 'a', /with the same Idempotency-Key: that is safe/],
    [
      'a resolve',
      'POST',
      '/timers/1/resolve',
      undefined,
      /may or may not have been settled. .* that is safe/,
    ],
  ])('%s', async (_name, method, url, key, words) => {
    await redis.shutDown()
    const { app } = await startApi()
    const timer = { seconds: 60, url: 'https://example.com' }
    const body = { POST: timer, PUT: timer, PATCH: { seconds: 60 }, DELETE: undefined }[method]
    const reply = await app.inject({
      method,
      url,
      headers: { ...(key !== undefined && { 'idempotency-key': key }) },
      ...(body !== undefined && { payload: url.endsWith('/resolve') ? { as: 'fired' } : body }),
    })
    expect(reply.statusCode).toBe(503)
    expect(reply.json()).toMatchObject({ code: 'STORE_UNAVAILABLE', detail: expect.stringMatching(words) })
  })
})

describe('while Redis takes no writes', () => {
  it('answers 503 STORE_REFUSED, still reads, and recovers', async () => {
    const api = await startApi()
    await api.ready()
    const { id } = (await create(api)).reply.json()
    // Enough creates for the block of ids to be used up, or not: adding is refused either way.
    await redis.command('CONFIG', 'SET', 'maxmemory', '1')
    const { reply } = await create(api)
    expect(reply.statusCode).toBe(503)
    expect(reply.json()).toMatchObject({ code: 'STORE_REFUSED', status: 503 })
    expect(Number(reply.headers['retry-after'])).toBeGreaterThan(0)
    expect(reply.json().detail).not.toContain('may or may not')
    expect((await api.app.inject(`/timers/${id}`)).statusCode).toBe(200)
    await redis.command('CONFIG', 'SET', 'maxmemory', '0')
    await expect201(api)
  })
})

describe('/readyz', () => {
  it('tells an unsafe Redis', async () => {
    await redis.command('CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru')
    const api = await startApi()
    await eventually(async () => {
      const reply = await api.app.inject('/readyz')
      expect(reply.statusCode).toBe(503)
      expect(reply.json().problems).toEqual([expect.stringContaining('maxmemory-policy')])
    })
  })
})

describe('/metrics', () => {
  it('counts timers and problems, and tells how long creating takes and the clock skew', async () => {
    const api = await startApi()
    await api.ready()
    await expect201(api)
    await api.app.inject('/nowhere')
    const reply = await api.app.inject('/metrics')
    expect(reply.statusCode).toBe(200)
    expect(reply.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/)
    expect(reply.payload).toMatch(/^timers_created_total\{service="api"\} 1$/m)
    expect(reply.payload).toMatch(/^timers_api_problems_total\{code="NOT_FOUND",service="api"\} 1$/m)
    expect(reply.payload).toMatch(/^timers_create_duration_seconds_count\{service="api"\} 1$/m)
    expect(reply.payload).toMatch(/^timers_redis_clock_skew_seconds\{service="api"\} -?[\d.e-]+$/m)
  })
})
