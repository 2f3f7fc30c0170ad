import { stablePort } from '@timers/lab'
import { startTestApi, type TestApi } from './test-api.ts'

/** Which requests are refused before anything else is looked at. No Redis listens: what passes gets a 503. */
let redisUrl: string
let api: TestApi

beforeAll(async () => {
  redisUrl = `redis://127.0.0.1:${await stablePort()}`
  api = await startTestApi({ redisUrl, env: { HOST: '127.0.0.1' } })
})

afterAll(async () => {
  await api?.close()
})

const OWN = '127.0.0.1:3000'
const TIMER = { seconds: 60, url: 'https://example.com' }

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

function send(method: Method, url: string, headers: Record<string, string>, to: TestApi = api) {
  return to.app.inject({
    method,
    url,
    headers: { host: OWN, ...headers },
    ...(method !== 'GET' && method !== 'DELETE' && { payload: TIMER }),
  })
}

describe('a page of another site', () => {
  it.each<[string, Method, string, Record<string, string>]>([
    [
      'redrives by a no-cors POST',
      'POST',
      '/timers/1/redrive',
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', origin: 'https://evil.example' },
    ],
    [
      'redrives, from a browser that sends Origin only',
      'POST',
      '/timers/1/redrive',
      { origin: 'https://evil.example' },
    ],
    ['redrives from a sandbox or a file', 'POST', '/timers/1/redrive', { origin: 'null' }],
    [
      'redrives from another port of this machine',
      'POST',
      '/timers/1/redrive',
      { 'sec-fetch-site': 'same-site', origin: 'http://127.0.0.1:8080' },
    ],
    ['creates', 'POST', '/timers', { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }],
    ['reads', 'GET', '/timers/1', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }],
    [
      'cancels, which takes neither a body nor a content type',
      'DELETE',
      '/timers/1',
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors', origin: 'https://evil.example' },
    ],
    [
      'cancels by key, from a browser that sends Origin only',
      'DELETE',
      '/timers/by-key/a',
      { origin: 'https://evil.example' },
    ],
    [
      'cancels by a navigation, which only a link may be',
      'DELETE',
      '/timers/1',
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
    ],
    ['changes', 'PATCH', '/timers/1', { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }],
    ['changes by key', 'PATCH', '/timers/by-key/a', { origin: 'https://evil.example' }],
    ['puts', 'PUT', '/timers/by-key/a', { 'sec-fetch-site': 'same-site' }],
    [
      'fires by a no-cors POST',
      'POST',
      '/timers/1/fire',
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' },
    ],
    ['fires by a form', 'POST', '/timers/1/fire', { origin: 'null', 'sec-fetch-mode': 'navigate' }],
    ['resolves', 'POST', '/timers/1/resolve', { origin: 'https://evil.example' }],
    ['posts to a path that does not exist', 'POST', '/nowhere', { 'sec-fetch-site': 'cross-site' }],
  ])('%s', async (_name, method, url, headers) => {
    const reply = await send(method, url, headers)
    expect(reply.statusCode).toBe(403)
    expect(reply.headers['content-type']).toBe('application/problem+json')
    expect(reply.json()).toMatchObject({ status: 403, code: 'CROSS_SITE_REQUEST' })
  })

  it('is not allowed to cancel or change by a preflight either', async () => {
    for (const method of ['DELETE', 'PATCH', 'PUT']) {
      const reply = await api.app.inject({
        method: 'OPTIONS',
        url: '/timers/by-key/a',
        headers: {
          host: OWN,
          origin: 'https://evil.example',
          'access-control-request-method': method,
          'sec-fetch-site': 'cross-site',
        },
      })
      expect(reply.statusCode).toBe(403)
      expect(Object.keys(reply.headers).filter((name) => name.startsWith('access-control'))).toEqual([])
    }
  })

  it.each<[string, 'DELETE' | 'GET' | 'POST', Record<string, string>]>([
    ['a program', 'POST', {}],
    ['a program that cancels', 'DELETE', {}],
    ['our own page that cancels', 'DELETE', { 'sec-fetch-site': 'same-origin', origin: `http://${OWN}` }],
    ['our own page', 'POST', { 'sec-fetch-site': 'same-origin', origin: `http://${OWN}` }],
    ['our own page, by Origin', 'POST', { origin: `http://${OWN}` }],
    ['a person', 'GET', { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' }],
    ['a link', 'GET', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }],
  ])('is not %s', async (_name, method, headers) => {
    const reply = await send(method, method === 'POST' ? '/timers' : '/timers/1', headers)
    expect(reply.json().code).toBe('STORE_UNAVAILABLE')
  })
})

describe('DNS rebinding', () => {
  const rebound = {
    host: 'rebound.example:3000',
    origin: 'http://rebound.example:3000',
    'sec-fetch-site': 'same-origin',
  }

  it.each(['GET', 'POST', 'DELETE'] as const)(
    'let a page %s on loopback under its own name',
    async (method) => {
      const reply = await send(method, method === 'POST' ? '/timers' : '/timers/1', rebound)
      expect(reply.statusCode).toBe(421)
      expect(reply.headers['content-type']).toBe('application/problem+json')
      expect(reply.json()).toMatchObject({
        code: 'INVALID_HOST',
        detail: expect.stringContaining('localhost, 127.0.0.1, [::1]'),
      })
    },
  )

  it.each(['localhost:3000', 'LOCALHOST', '[::1]:3000', '127.0.0.1'])('is not %s', async (host) => {
    expect((await send('POST', '/timers', { host })).statusCode).toBe(503)
  })

  it.each([
    [{ HOST: '127.0.0.1', ALLOWED_HOSTS: 'timers.test' }, 'timers.test:80', 503],
    [{ HOST: '0.0.0.0' }, 'anything.example', 503],
    [{ HOST: '0.0.0.0', ALLOWED_HOSTS: 'timers.test' }, 'timers.test', 503],
    [{ HOST: '0.0.0.0', ALLOWED_HOSTS: 'timers.test' }, 'rebound.example', 421],
  ])('with %j the host %s gets %i', async (env, host, status) => {
    const other = await startTestApi({ redisUrl, env })
    const reply = await send('POST', '/timers', { host }, other)
    await other.close()
    expect(reply.statusCode).toBe(status)
  })
})
