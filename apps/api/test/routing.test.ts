import { stablePort } from '@timers/lab'
import type { HTTPMethods } from 'fastify'
import { startTestApi, type TestApi } from './test-api.ts'

/** What needs no Redis: none listens at this URL. */
let api: TestApi

beforeAll(async () => {
  api = await startTestApi({ redisUrl: `redis://127.0.0.1:${await stablePort()}` })
})

afterAll(async () => {
  await api?.close()
})

describe('an unknown path', () => {
  it.each<[HTTPMethods, string, string | undefined, string | undefined]>([
    ['GET', '/', undefined, undefined],
    ['GET', '/timer/1', undefined, undefined],
    ['GET', '/timers/1/x', undefined, undefined],
    ['GET', '//timers/1', undefined, undefined],
    ['GET', '/TIMERS/1', undefined, undefined],
    ['HEAD', '/nowhere', undefined, undefined],
    ['OPTIONS', '/nowhere', undefined, undefined],
    ['DELETE', '/nowhere', undefined, undefined],
    ['POST', '/nowhere', 'application/json', '{broken'],
    ['POST', '/nowhere', 'text/plain', 'hello'],
    ['POST', '/nowhere', 'not a type', 'hello'],
    ['PUT', '/nowhere', undefined, 'hello'],
    ['POST', '/nowhere', 'application/json', 'x'.repeat(20_000)],
    ['QUERY', '/nowhere', undefined, undefined],
  ])('%s %s (%s) is 404, whatever its body', async (method, url, contentType, payload) => {
    const reply = await api.app.inject({
      method: method as 'GET',
      url,
      headers: contentType === undefined ? {} : { 'content-type': contentType },
      ...(payload !== undefined && { payload }),
    })
    expect(reply.statusCode).toBe(404)
    expect(reply.headers['content-type']).toBe('application/problem+json')
    if (method !== 'HEAD') expect(reply.json()).toMatchObject({ status: 404, code: 'NOT_FOUND' })
    expect(reply.headers['x-request-id']).toBeDefined()
  })
})

describe('a method that a path does not know', () => {
  it.each([
    ['PUT', '/timers', 'GET, HEAD, POST, OPTIONS'],
    ['PUT', '/timers/', 'GET, HEAD, POST, OPTIONS'],
    ['DELETE', '/timers', 'GET, HEAD, POST, OPTIONS'],
    ['POST', '/stats', 'GET, HEAD, OPTIONS'],
    ['POST', '/forecast', 'GET, HEAD, OPTIONS'],
    ['PUT', '/timers/1', 'GET, HEAD, PATCH, DELETE, OPTIONS'],
    ['POST', '/timers/1?x=1', 'GET, HEAD, PATCH, DELETE, OPTIONS'],
    ['PUT', '/timers/abc', 'GET, HEAD, PATCH, DELETE, OPTIONS'],
    ['POST', '/timers/by-key/a', 'GET, HEAD, PUT, PATCH, DELETE, OPTIONS'],
    ['POST', '/timers/by-key/a%2Fb', 'GET, HEAD, PUT, PATCH, DELETE, OPTIONS'],
    ['POST', '/timers/by-key/fire', 'GET, HEAD, PUT, PATCH, DELETE, OPTIONS'],
    ['POST', '/timers/by-key', 'GET, HEAD, PUT, PATCH, DELETE, OPTIONS'],
    ['GET', '/timers/batch', 'POST, OPTIONS'],
    ['DELETE', '/timers/cancel', 'POST, OPTIONS'],
    ['PATCH', '/timers/redrive', 'POST, OPTIONS'],
    ['PUT', '/timers/batch', 'POST, OPTIONS'],
    ['GET', '/timers/1/fire', 'POST, OPTIONS'],
    ['DELETE', '/timers/1/redrive', 'POST, OPTIONS'],
    ['PUT', '/timers/1/resolve', 'POST, OPTIONS'],
    ['POST', '/ping', 'GET, HEAD, OPTIONS'],
    ['POST', '/healthz', 'GET, HEAD, OPTIONS'],
    ['TRACE', '/metrics', 'GET, HEAD, OPTIONS'],
    ['PROPFIND', '/timers', 'GET, HEAD, POST, OPTIONS'],
  ])('%s %s is 405 with Allow, before the body is read', async (method, url, allow) => {
    const reply = await api.app.inject({
      method: method as 'GET',
      url,
      ...(method !== 'TRACE' && { headers: { 'content-type': 'application/json' }, payload: '{broken' }),
    })
    expect(reply.statusCode).toBe(405)
    expect(reply.headers.allow).toBe(allow)
    expect(reply.headers['content-type']).toBe('application/problem+json')
    expect(reply.json()).toMatchObject({ status: 405, code: 'METHOD_NOT_ALLOWED' })
  })

  it('is told by OPTIONS', async () => {
    const reply = await api.app.inject({ method: 'OPTIONS', url: '/timers' })
    expect(reply.statusCode).toBe(204)
    expect(reply.headers.allow).toBe('GET, HEAD, POST, OPTIONS')
    expect(reply.payload).toBe('')
  })

  it('is told by OPTIONS, and in which types a PATCH may come', async () => {
    const reply = await api.app.inject({ method: 'OPTIONS', url: '/timers/by-key/a' })
    expect(reply.statusCode).toBe(204)
    expect(reply.headers.allow).toBe('GET, HEAD, PUT, PATCH, DELETE, OPTIONS')
    expect(reply.headers['accept-patch']).toBe('application/json, application/merge-patch+json')
    expect(reply.headers['access-control-allow-methods']).toBeUndefined()
  })
})

describe('a path that ends where the key should stand', () => {
  it.each([
    ['GET', '/timers/by-key'],
    ['GET', '/timers/by-key/'],
    ['PUT', '/timers/by-key/'],
    ['PATCH', '/timers/by-key/'],
    ['DELETE', '/timers/by-key/?x=1'],
  ] as const)('%s %s says that the key is missing, not that an id is wrong', async (method, url) => {
    const body = { headers: { 'content-type': 'application/json' }, payload: '{broken' }
    const reply = await api.app.inject({ method, url, ...(method !== 'GET' && body) })
    expect(reply.statusCode).toBe(400)
    expect(reply.json()).toMatchObject({ code: 'INVALID_KEY', errors: [{ field: 'key' }] })
  })
})

describe('a path that cannot be read', () => {
  it.each([
    ['/timers/%zz', 400, 'INVALID_PATH'],
    ['/%', 400, 'INVALID_PATH'],
    ['/timers/%c3%28', 400, 'INVALID_PATH'],
    [`/timers/${'1'.repeat(1_025)}`, 414, 'URI_TOO_LONG'],
    [`/timers/by-key/${'k'.repeat(1_025)}`, 414, 'URI_TOO_LONG'],
    ['/timers/by-key/%zz', 400, 'INVALID_PATH'],
  ])('%.30s is %i', async (url, status, code) => {
    const reply = await api.app.inject(url)
    expect(reply.statusCode).toBe(status)
    expect(reply.headers['content-type']).toBe('application/problem+json')
    expect(reply.json()).toMatchObject({ status, code })
    expect(reply.headers['x-request-id']).toBeDefined()
  })
})

describe('the id of a request', () => {
  it('is ours unless a well-formed one was given', async () => {
    const idFor = async (given?: string) => {
      const reply = await api.app.inject({
        url: '/ping',
        headers: given === undefined ? {} : { 'x-request-id': given },
      })
      return String(reply.headers['x-request-id'])
    }
    expect(await idFor('0190-a.B_c')).toBe('0190-a.B_c')
    const ours = await Promise.all([
      idFor(),
      idFor(),
      idFor('a b'),
      idFor('x'.repeat(65)),
      idFor('{"a":1}'),
      idFor(''),
    ])
    expect(new Set(ours).size).toBe(ours.length)
    for (const id of ours) expect(id).toMatch(/^[0-9a-f]{10}-[0-9a-z]+$/)
  })
})

describe('an error that nobody planned for', () => {
  it('is 500, of which the client sees nothing and the log sees all', async () => {
    const broken = await startTestApi({ redisUrl: `redis://127.0.0.1:${await stablePort()}` })
    broken.app.get('/broken', async () => {
      throw new Error('a secret of ours')
    })
    const reply = await broken.app.inject('/broken')
    await broken.close()
    expect(reply.statusCode).toBe(500)
    expect(reply.headers['content-type']).toBe('application/problem+json')
    expect(reply.json()).toMatchObject({ status: 500, code: 'INTERNAL_ERROR' })
    expect(reply.payload).not.toContain('secret')
    expect(broken.logs).toContainEqual(
      expect.objectContaining({
        level: 50,
        reqId: reply.headers['x-request-id'],
        err: expect.objectContaining({ message: 'a secret of ours' }),
      }),
    )
  })
})

describe('without Redis', () => {
  it.each([
    ['/ping', 200, { pong: true }],
    ['/healthz', 200, { status: 'ok' }],
  ])('%s answers %i', async (url, status, body) => {
    const reply = await api.app.inject(url)
    expect(reply.statusCode).toBe(status)
    expect(reply.json()).toEqual(body)
  })

  it('/readyz is 503 and says why', async () => {
    const reply = await api.app.inject('/readyz')
    expect(reply.statusCode).toBe(503)
    expect(reply.headers['content-type']).toBe('application/problem+json')
    expect(reply.json()).toMatchObject({ code: 'NOT_READY', problems: ['Redis cannot be reached'] })
  })
})
