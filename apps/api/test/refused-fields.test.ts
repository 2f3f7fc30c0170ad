import { post, redis, URL } from './create-bed.ts'
import { startTestApi } from './test-api.ts'

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
