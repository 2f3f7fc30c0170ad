import { startTestRedis, type TestRedis } from '@timers/lab'
import { startTestApi, type TestApi } from './test-api.ts'

const URL = 'https://example.com/hook'

let redis: TestRedis
let api: TestApi

beforeAll(async () => {
  redis = await startTestRedis()
  api = await startTestApi({ redisUrl: redis.url })
  await api.ready()
})

afterAll(async () => {
  await api?.close()
  await redis?.stop()
})

function post(payload: string | object | Buffer, headers: Record<string, string> = {}) {
  return api.app.inject({
    method: 'POST',
    url: '/timers',
    headers: { 'content-type': 'application/json', ...headers },
    payload,
  })
}

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

type Refusal = readonly [name: string, payload: string | object, fields: readonly string[], message: string]

const WHOLE = 'must be a whole number of at least 0'
const refusedFields: readonly Refusal[] = [
  ['a number in quotes', { hours: '4', url: URL }, ['hours'], `hours ${WHOLE}`],
  ['null', { minutes: null, url: URL }, ['minutes'], `minutes ${WHOLE}`],
  ['true', { seconds: true, url: URL }, ['seconds'], `seconds ${WHOLE}`],
  ['a fraction', { hours: 1.5, url: URL }, ['hours'], `hours ${WHOLE}`],
  ['a negative number', { minutes: -1, url: URL }, ['minutes'], `minutes ${WHOLE}`],
  ['a number beyond all bounds', '{"seconds":1e400,"url":"https://a.b"}', ['seconds'], `seconds ${WHOLE}`],
  ['an empty string', { seconds: '', url: URL }, ['seconds'], `seconds ${WHOLE}`],
  ['an array', { seconds: [4], url: URL }, ['seconds'], `seconds ${WHOLE}`],
  ['a nested object', { hours: { value: 4 }, url: URL }, ['hours'], `hours ${WHOLE}`],
  ['a number too large to count', { hours: 1e300, url: URL }, ['hours'], 'at most 31536000 seconds'],
  [
    'more than the longest duration',
    { seconds: 31_536_001, url: URL },
    ['seconds'],
    'at most 31536000 seconds',
  ],
  ['nothing but zeros', { hours: 0, minutes: 0, seconds: 0, url: URL }, ['seconds'], 'at least 1 second'],
  ['minus zero', '{"seconds":-0,"url":"https://a.b"}', ['seconds'], 'at least 1 second'],
  ['no duration', { url: URL }, ['seconds'], 'give at least one of hours, minutes and seconds'],
  ['no url', { seconds: 1 }, ['url'], 'url is required and must be text: an absolute URL'],
  ['nothing', {}, ['url', 'seconds'], 'give at least one of hours, minutes and seconds'],
  ['several faults', { hours: '4', minutes: -1, url: 7 }, ['hours', 'minutes', 'url'], `minutes ${WHOLE}`],
  ['a url of null', { seconds: 1, url: null }, ['url'], 'url must be text'],
  ['a url in an array', { seconds: 1, url: [URL] }, ['url'], 'url must be text'],
  ['an empty url', { seconds: 1, url: '' }, ['url'], 'starts with http:// or https://'],
  [
    'a url without a scheme',
    { seconds: 1, url: 'example.com/x' },
    ['url'],
    'starts with http:// or https://',
  ],
  ['a relative url', { seconds: 1, url: '/hook' }, ['url'], 'starts with http:// or https://'],
  ['another scheme', { seconds: 1, url: 'ftp://a.b/' }, ['url'], 'starts with http:// or https://'],
  ['a script', { seconds: 1, url: 'javascript:alert(1)' }, ['url'], 'starts with http:// or https://'],
  ['a url without a host', { seconds: 1, url: 'http://' }, ['url'], 'url must'],
  ['a port out of range', { seconds: 1, url: 'http://a.b:99999/' }, ['url'], 'url must be a valid URL'],
  ['a user name', { seconds: 1, url: 'https://me:pw@a.b/' }, ['url'], 'must not contain a user name'],
  ['a space', { seconds: 1, url: 'https://a.b/x y' }, ['url'], 'percent-encode'],
  ['a line break', { seconds: 1, url: 'https://a.b/\nx' }, ['url'], 'percent-encode'],
  [
    'a url too long',
    { seconds: 1, url: `https://a.b/${'x'.repeat(2_037)}` },
    ['url'],
    'at most 2048 characters',
  ],
  [
    'an unknown field',
    { seconds: 1, url: URL, foo: 1 },
    ['foo'],
    'allowed are hours, minutes, seconds, in, at, at_local, timezone, url, delivery, max_attempts, payload, headers, key,',
  ],
  ['a field in another case', { Seconds: 1, url: URL }, ['Seconds', 'seconds'], 'Seconds is not a field'],
  [
    '__proto__',
    '{"seconds":1,"url":"https://a.b","__proto__":{"hours":4}}',
    ['__proto__'],
    '__proto__ is not',
  ],
  [
    'constructor',
    '{"seconds":1,"url":"https://a.b","constructor":{"prototype":{}}}',
    ['constructor'],
    'is not',
  ],
  [
    'a duration by prototype only',
    '{"__proto__":{"seconds":1},"url":"https://a.b"}',
    ['__proto__', 'seconds'],
    'give',
  ],
  [
    'an unknown delivery',
    { seconds: 1, url: URL, delivery: 'twice' },
    ['delivery'],
    'at_most_once or at_least_once',
  ],
  ['no attempts', { seconds: 1, url: URL, max_attempts: 0 }, ['max_attempts'], 'a whole number from 1 to 30'],
  ['attempts in quotes', { seconds: 1, url: URL, max_attempts: '3' }, ['max_attempts'], 'from 1 to 30'],
  ['headers in an array', { seconds: 1, url: URL, headers: [] }, ['headers'], 'headers must be an object'],
  ['a header that is a number', { seconds: 1, url: URL, headers: { 'x-a': 1 } }, ['headers'], 'text values'],
  [
    'a header that is ours',
    { seconds: 1, url: URL, headers: { Host: 'x' } },
    ['headers'],
    'must not contain host',
  ],
  [
    'a header named __proto__, which was accepted and lost',
    `{"seconds":1,"url":"${URL}","headers":{"__proto__":"x"}}`,
    ['headers'],
    'must not contain __proto__',
  ],
  [
    'a payload too large',
    { seconds: 1, url: URL, payload: 'x'.repeat(8_191) },
    ['payload'],
    'at most 8192 bytes',
  ],
  [
    'a payload nested too deep',
    `{"seconds":1,"url":"https://a.b","payload":${'['.repeat(33)}${']'.repeat(33)}}`,
    ['payload'],
    'at most 32 levels deep',
  ],
  [
    'a field twice',
    '{"seconds":5,"seconds":6,"url":"https://a.b"}',
    ['seconds'],
    'seconds must be given once',
  ],
  [
    'a field twice, once in disguise',
    '{"seconds":5,"url":"https://a.b","payload":1,"pa\\u0079load":2}',
    ['payload'],
    'payload must be given once',
  ],
  [
    'a header twice',
    '{"seconds":5,"url":"https://a.b","headers":{"x-a":"1","x-a":"2"}}',
    ['headers'],
    'headers must name x-a once',
  ],
  ['null as the body', 'null', ['body'], 'the body must be a JSON object, such as {'],
  ['an array as the body', '[]', ['body'], 'the body must be a JSON object'],
  ['text as the body', '"x"', ['body'], 'the body must be a JSON object'],
  ['a number as the body', '4', ['body'], 'the body must be a JSON object'],
]

describe('POST /timers refuses with 400', () => {
  it.each(refusedFields)('%s', async (_name, payload, fields, message) => {
    const reply = await post(payload)
    expect(reply.statusCode).toBe(400)
    expect(reply.headers['content-type']).toBe('application/problem+json')
    const body = reply.json()
    expect(body).toMatchObject({
      type: expect.stringMatching(/^urn:timers:problem:invalid-/),
      title: expect.any(String),
      status: 400,
      instance: `urn:timers:request:${reply.headers['x-request-id']}`,
      code: expect.stringMatching(/^INVALID_(BODY|DURATION|URL|HEADERS|PAYLOAD)$/),
    })
    expect(body.errors.map((error: { field: string }) => error.field).sort()).toEqual([...fields].sort())
    expect(JSON.stringify(body.errors).replaceAll('\\"', '"')).toContain(message)
    expect(body.detail).toContain(message)
    expect(reply.headers.location).toBeUndefined()
  })

  it('without storing anything', async () => {
    const stored = await redis.command('DBSIZE')
    for (const [, payload] of refusedFields) await post(payload)
    expect(await redis.command('DBSIZE')).toBe(stored)
  })

  it('a thousand unknown fields, naming a few of them, cut short', async () => {
    const names = Array.from({ length: 100 }, (_, index) => `${'n'.repeat(80)}${index}`)
    const reply = await post(Object.fromEntries(names.map((name) => [name, 1])))
    expect(reply.statusCode).toBe(400)
    expect(reply.json().errors).toHaveLength(1 + 2)
    expect(reply.payload.length).toBeLessThan(4_000)
  })

  it('and logs it at info, without the body or the target', async () => {
    const quiet = await startTestApi({ redisUrl: redis.url })
    const send = (url: string, payload: string | object) => quiet.app.inject({ method: 'POST', url, payload })
    const reply = await send('/timers', { seconds: 1, url: 'https://me:secret@a.b/?token=secret' })
    const second = await send('/timers?token=secret', 'secret')
    await quiet.close()
    expect([reply.statusCode, second.statusCode]).toEqual([400, 415])
    const lines = quiet.logs.filter((line) => line.msg === 'request refused')
    expect(lines).toEqual([
      expect.objectContaining({
        level: 30,
        status: 400,
        code: 'INVALID_URL',
        path: '/timers',
        method: 'POST',
      }),
      expect.objectContaining({ level: 30, status: 415, code: 'UNSUPPORTED_MEDIA_TYPE', path: '/timers' }),
    ])
    expect(JSON.stringify(lines)).not.toMatch(/secret/)
  })
})

describe('POST /timers refuses a body', () => {
  const good = JSON.stringify({ seconds: 60, url: URL })
  it.each([
    ['that is empty', '', { 'content-type': 'application/json' }, 400, 'INVALID_JSON'],
    ['that is missing, without a content type', undefined, {}, 400, 'INVALID_BODY'],
    ['that is broken', '{"seconds":1,', { 'content-type': 'application/json' }, 400, 'INVALID_JSON'],
    [
      'with something after the JSON',
      `${good}x`,
      { 'content-type': 'application/json' },
      400,
      'INVALID_JSON',
    ],
    ['of two objects', `${good}${good}`, { 'content-type': 'application/json' }, 400, 'INVALID_JSON'],
    ['with NaN', '{"seconds":NaN}', { 'content-type': 'application/json' }, 400, 'INVALID_JSON'],
    ['without a content type', good, {}, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['of text/plain', good, { 'content-type': 'text/plain' }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    [
      'of a form',
      'seconds=1',
      { 'content-type': 'application/x-www-form-urlencoded' },
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    ],
    ['of text/json', good, { 'content-type': 'text/json' }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['of a vendor type', good, { 'content-type': 'application/x+json' }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['of a garbled type', good, { 'content-type': 'application json' }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['of an empty type', good, { 'content-type': '' }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    [
      'in Latin 1',
      good,
      { 'content-type': 'application/json; charset=iso-8859-1' },
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    ],
    [
      'in UTF-16',
      good,
      { 'content-type': 'application/json; a=b; charset=utf-16' },
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    ],
    [
      'that is nested deep, in no field',
      '['.repeat(16_000),
      { 'content-type': 'application/json' },
      400,
      'INVALID_JSON',
    ],
    [
      'that is too large',
      JSON.stringify({ url: 'x'.repeat(16_384) }),
      { 'content-type': 'application/json' },
      413,
      'BODY_TOO_LARGE',
    ],
  ])('%s', async (_name, payload, headers, status, code) => {
    const reply = await api.app.inject({
      method: 'POST',
      url: '/timers',
      headers: { ...headers },
      ...(payload !== undefined && { payload }),
    })
    expect(reply.statusCode).toBe(status)
    expect(reply.headers['content-type']).toBe('application/problem+json')
    expect(reply.json()).toMatchObject({ status, code, detail: expect.any(String) })
    if (status === 415) expect(reply.headers.accept).toBe('application/json')
  })

  it.each(['gzip', 'br', 'GZIP', 'identity, gzip'])(
    'that says it is %s, and was read as if it were not',
    async (coding) => {
      const reply = await post(good, { 'content-encoding': coding })
      expect(reply.statusCode).toBe(415)
      expect(reply.headers['accept-encoding']).toBe('identity')
      expect(reply.json()).toMatchObject({ status: 415, code: 'UNSUPPORTED_CONTENT_ENCODING' })
    },
  )

  it('only where its encoding is one: identity is none', async () => {
    for (const coding of ['identity', 'Identity', '']) {
      expect((await post(good, { 'content-encoding': coding })).statusCode).toBe(201)
    }
  })

  it('that is not UTF-8', async () => {
    const payload = Buffer.concat([
      Buffer.from('{"seconds":1,"url":"https://a.b/'),
      Buffer.from([0xe9]),
      Buffer.from('"}'),
    ])
    const reply = await post(payload)
    expect(reply.statusCode).toBe(400)
    expect(reply.json().code).toBe('INVALID_JSON')
  })

  it('of 16 KiB and one byte, and judges one of exactly 16 KiB', async () => {
    const padded = (length: number) => good.padEnd(length, ' ')
    expect((await post(padded(16_384))).statusCode).toBe(201)
    expect((await post(padded(16_385))).statusCode).toBe(413)
  })
})
