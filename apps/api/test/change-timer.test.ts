import { type ApiBed, expectProblem, openApiBed } from './api-bed.ts'

let bed: ApiBed

beforeAll(async () => {
  bed = await openApiBed()
})
afterAll(() => bed?.close())

const patch = (id: number | string, body: string | object, headers: Record<string, string> = {}) =>
  bed.send('PATCH', `/timers/${id}`, body, headers)

describe('PATCH /timers/:id', () => {
  it('changes the time, and nothing else', async () => {
    const fields = { key: 'only-time', labels: ['a', 'b'], payload: { a: 1 }, headers: { 'x-a': '1' } }
    const id = await bed.create({ ...fields, expires_in: 60, max_attempts: 3, delivery: 'at_least_once' })
    const before = await bed.api.find(id)
    const dueAt = Date.now() + 86_400_123
    const inUtc = new Date(dueAt).toISOString()
    const inIndia = new Date(dueAt + 5.5 * 3_600_000).toISOString().replace('Z', '+05:30')
    const reply = await patch(id, { at: inIndia })
    expect(reply.statusCode).toBe(200)
    expect(reply.json()).toMatchObject({ id, status: 'pending', due_at: inUtc, next_attempt_at: inUtc })
    expect(await bed.api.find(id)).toEqual({ ...before, dueAt })
    expect((await bed.send('GET', `/timers/${id}`)).json().due_at).toBe(inUtc)
  })

  it.each<[string, object, number]>([
    ['parts', { minutes: 90, seconds: 1 }, 5_401],
    ['a text', { in: '2h' }, 7_200],
    ['an ISO text', { in: 'PT1H30M' }, 5_400],
  ])('counts a time in %s from now on', async (_name, time, seconds) => {
    const id = await bed.create()
    const before = Date.now()
    const { due_at } = (await patch(id, time)).json()
    expect(Date.parse(due_at)).toBeGreaterThanOrEqual(before + seconds * 1_000)
    expect(Date.parse(due_at)).toBeLessThanOrEqual(Date.now() + seconds * 1_000)
  })

  it('changes the content, and not the time', async () => {
    const id = await bed.create({ payload: { old: 1 } })
    const before = await bed.api.find(id)
    const reply = await patch(
      id,
      '{"url":"https://other.example/x","payload":{"n": 1234567890123456789},"headers":{"X-B":"2"},"labels":["c"],' +
        '"delivery":"at_least_once","max_attempts":2,"expires_in":9,"callback":{"url":"https://c.example/","on":["fired"]}}',
    )
    expect(reply.statusCode).toBe(200)
    expect(reply.json()).toMatchObject({
      labels: ['c'],
      delivery: 'at_least_once',
      max_attempts: 2,
      expires_in: 9,
      callback: { on: ['fired'] },
    })
    expect(await bed.api.find(id)).toEqual({
      ...before,
      url: 'https://other.example/x',
      payload: '{"n":1234567890123456789}',
      headers: { 'x-b': '2' },
      labels: ['c'],
      mode: 'at_least_once',
      maxAttempts: 2,
      expiresIn: 9,
      callback: { url: 'https://c.example/', on: ['fired'] },
    })
  })

  it('takes away what is null', async () => {
    const id = await bed.create({
      payload: [1],
      headers: { 'x-a': '1' },
      labels: ['a'],
      expires_in: 60,
      callback: { url: 'https://c.example/' },
    })
    const nothing = { payload: null, headers: null, labels: null, expires_in: null, callback: null }
    const reply = await patch(id, nothing)
    expect(reply.statusCode).toBe(200)
    for (const name of ['labels', 'expires_in', 'callback']) expect(reply.json()).not.toHaveProperty(name)
    const after = await bed.api.find(id)
    for (const name of ['payload', 'headers', 'labels', 'expiresIn', 'callback'] as const) {
      expect([name, after?.[name]]).toEqual([name, undefined])
    }
  })

  it('takes a payload that is the text "null", as it does on a create', async () => {
    const id = await bed.create({ payload: null })
    expect((await bed.api.find(id))?.payload).toBe('null')
    expect((await patch(id, { payload: 'null' })).statusCode).toBe(200)
    expect((await bed.api.find(id))?.payload).toBe('"null"')
  })

  it.each([
    'application/json',
    'application/merge-patch+json',
    'application/merge-patch+json; charset=utf-8',
    'Application/Merge-Patch+JSON',
  ])('takes the content type %s', async (contentType) => {
    const id = await bed.create()
    const reply = await patch(id, '{"labels":["x"]}', { 'content-type': contentType })
    expect([reply.statusCode, reply.json().labels]).toEqual([200, ['x']])
  })

  it.each(['application/json-patch+json', 'text/plain', 'application/merge-patch+json; charset=utf-16'])(
    'refuses the content type %s, and says which it takes',
    async (contentType) => {
      const reply = await patch(1, '{"labels":["x"]}', { 'content-type': contentType })
      expectProblem(reply, 415, 'UNSUPPORTED_MEDIA_TYPE')
      expect(reply.headers['accept-patch']).toBe('application/json, application/merge-patch+json')
    },
  )

  it('is the only method that takes a merge patch', async () => {
    const headers = { 'content-type': 'application/merge-patch+json' }
    const body = JSON.stringify({ seconds: 60, url: 'https://a.b' })
    for (const [method, url] of [
      ['POST', '/timers'],
      ['PUT', '/timers/by-key/a'],
    ] as const) {
      const reply = await bed.send(method, url, body, headers)
      expectProblem(reply, 415, 'UNSUPPORTED_MEDIA_TYPE')
      expect(reply.headers.accept).toBe('application/json')
    }
  })

  it('refuses a timer that is firing or has finished, with its status', async () => {
    const firing = await bed.timerThatIs('firing')
    expectProblem(await patch(firing, { minutes: 5 }), 409, 'ALREADY_FIRING', { timer_status: 'firing' })
    for (const status of ['fired', 'failed', 'unknown'] as const) {
      const id = await bed.timerThatIs(status)
      expectProblem(await patch(id, { minutes: 5 }), 409, 'ALREADY_FINISHED', { timer_status: status })
    }
  })

  it.each<[string, string | object, string, string, string]>([
    ['nothing', {}, 'EMPTY_CHANGE', '', 'give what is to change'],
    ['a key', { key: 'a' }, 'INVALID_BODY', 'key', 'key is not a field of a change'],
    ['an id', { id: 7 }, 'INVALID_BODY', 'id', 'id is not a field of a change'],
    ['on_conflict', { on_conflict: 'keep' }, 'INVALID_BODY', 'on_conflict', 'is not a field of a change'],
    ['no url', { url: null }, 'INVALID_BODY', 'url', 'url must be text'],
    ['no delivery', { delivery: null }, 'INVALID_BODY', 'delivery', 'at_most_once or at_least_once'],
    ['labels that are no list', { labels: 'a' }, 'INVALID_BODY', 'labels', 'or null to take it away'],
    ['a field twice', '{"minutes":5,"minutes":6}', 'INVALID_BODY', 'minutes', 'minutes must be given once'],
    ['no object', 'null', 'INVALID_BODY', 'body', 'the body must be a JSON object of what is to be another'],
    ['a zone alone', { timezone: 'Europe/Berlin' }, 'INVALID_TIME', 'timezone', 'needs at_local beside it'],
    ['two times', { minutes: 5, in: '5m' }, 'INVALID_TIME', 'minutes', 'one form, not by minutes and in'],
    ['a time of nothing', { seconds: 0 }, 'INVALID_DURATION', 'seconds', 'at least 1 second'],
    ['a wrong url', { url: 'ftp://a.b' }, 'INVALID_URL', 'url', 'starts with http:// or https://'],
    ['a private address', { url: 'http://10.0.0.1/' }, 'INVALID_URL', 'url', 'not public'],
    ['a header of ours', { headers: { host: 'x' } }, 'INVALID_HEADERS', 'headers', 'must not contain host'],
    ['a payload too large', { payload: 'x'.repeat(8_191) }, 'INVALID_PAYLOAD', 'payload', '8192 bytes'],
    ['a label with a space', { labels: ['a b'] }, 'INVALID_LABELS', 'labels', 'labels must be at most 8'],
    ['an expiry of 0', { expires_in: 0 }, 'INVALID_EXPIRY', 'expires_in', 'whole number of seconds from 1'],
    [
      'a callback for nothing',
      { callback: { url: 'https://a.b', on: [] } },
      'INVALID_CALLBACK',
      'callback.on',
      'must name one or more of',
    ],
  ])('refuses %s', async (_name, body, code, field, message) => {
    const id = await bed.create()
    const before = await bed.api.find(id)
    const reply = await patch(id, body)
    expectProblem(reply, 400, code, field === '' ? {} : { errors: [{ field }] })
    expect(reply.json().detail).toContain(message)
    expect(await bed.api.find(id)).toEqual(before)
  })

  it.each([
    ['an id that was not given yet', '999999999', 404, 'TIMER_NOT_FOUND'],
    ['what is no whole number', 'abc', 400, 'INVALID_TIMER_ID'],
  ])('refuses %s', async (_name, id, status, code) => {
    expectProblem(await patch(id, { minutes: 5 }), status, code)
  })

  it('refuses a request without a body', async () => {
    const id = await bed.create()
    expectProblem(await bed.send('PATCH', `/timers/${id}`), 400, 'INVALID_BODY')
    expectProblem(await patch(id, '', { 'content-type': 'application/json' }), 400, 'INVALID_JSON')
  })

  it('is logged with the names of what changed, and none of its values', async () => {
    const id = await bed.create()
    await patch(id, { url: 'https://example.com/secret-path?token=secret', labels: ['secret-label'] })
    expect(bed.api.logs.filter(({ timerId, msg }) => timerId === id && msg === 'timer changed')).toEqual([
      expect.objectContaining({ changed: ['url', 'labels'] }),
    ])
    expect(JSON.stringify(bed.api.logs)).not.toContain('secret')
  })
})
