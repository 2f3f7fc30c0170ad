import { api, post, URL } from './create-bed.ts'

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
