import { eventually } from '@timers/lab'
import { type ApiBed, expectProblem, openApiBed } from './api-bed.ts'

let bed: ApiBed
let keys = 0

beforeAll(async () => {
  // Of a key it follows where its timer lies.
  bed = await openApiBed({ TIMER_SHARDS: '3' })
})
afterAll(() => bed?.close())

const freshKey = () => {
  keys += 1
  return `create-${keys}`
}
const DAY = new Date(Date.now() + 10 * 86_400_000).toISOString().slice(0, 10)
const TIMER = { hours: 1, url: 'https://example.com/hook' }
const post = (key: string, body: string | object = TIMER) =>
  bed.send('POST', '/timers', body, { 'idempotency-key': key })

describe('POST /timers with an Idempotency-Key', () => {
  it('that is sent again gets the first answer again, byte for byte', async () => {
    const key = freshKey()
    const first = await post(key)
    expect([first.statusCode, first.headers['idempotent-replayed']]).toEqual([201, undefined])
    const again = await post(key)
    expect([again.statusCode, again.headers['idempotent-replayed']]).toEqual([201, 'true'])
    expect(again.payload).toBe(first.payload)
    expect(again.headers.location).toBe(first.headers.location)
  })

  it('creates one timer, of six that come at once', async () => {
    const key = freshKey()
    const before = await bed.timerCount()
    const replies = await Promise.all(Array.from({ length: 6 }, () => post(key)))
    expect(new Set(replies.map(({ payload }) => payload)).size).toBe(1)
    expect(replies.filter(({ headers }) => headers['idempotent-replayed'] === undefined)).toHaveLength(1)
    expect(await bed.timerCount()).toBe(before + 1)
  })

  it('answers so when the timer has fired, has been changed, or was cancelled', async () => {
    const [fired, changed, cancelled] = [freshKey(), freshKey(), freshKey()]
    const answers = new Map<string, string>()
    for (const key of [fired, changed, cancelled]) answers.set(key, (await post(key)).payload)
    const idOf = (key: string) => JSON.parse(answers.get(key) ?? '').id
    await bed.send('POST', `/timers/${idOf(fired)}/fire`)
    await bed.send('PATCH', `/timers/${idOf(changed)}`, { minutes: 5, url: 'https://other.example/' })
    await bed.send('DELETE', `/timers/${idOf(cancelled)}`)
    await eventually(async () => expect((await bed.api.find(idOf(fired)))?.status).toBe('fired'), {
      timeoutMs: 10_000,
    })
    for (const [key, answer] of answers) {
      const again = await post(key)
      expect([again.statusCode, again.headers['idempotent-replayed']]).toEqual([201, 'true'])
      expect(again.payload).toBe(answer)
    }
  })

  it('is the same, bare or in quotes', async () => {
    const key = freshKey()
    const { id } = (await post(key)).json()
    expect((await post(`"${key}"`)).json().id).toBe(id)
  })

  it.each<[string, string | object, string | object]>([
    ['in another unit', { hours: 1, url: TIMER.url }, { minutes: 60, url: TIMER.url }],
    ['in another form', { hours: 1, url: TIMER.url }, { in: 'PT1H', url: TIMER.url }],
    [
      'with defaults written out',
      TIMER,
      { ...TIMER, delivery: 'at_most_once', max_attempts: 10, headers: {}, labels: [] },
    ],
    [
      'in another order and layout',
      '{"hours":1,"url":"https://example.com/hook","payload":{"a":1,"b":[2]}}',
      '{"payload": {"b": [2], "a": 1}, "url": "https://example.com/hook", "hours": 1}',
    ],
    ['with labels in another order', { ...TIMER, labels: ['a', 'b'] }, { ...TIMER, labels: ['b', 'a'] }],
    [
      'with the same instant in another zone',
      { at: `${DAY}T18:00:00+01:00`, url: TIMER.url },
      { at: `${DAY}T17:00:00Z`, url: TIMER.url },
    ],
  ])('knows the same request %s', async (_name, one, other) => {
    const key = freshKey()
    const first = await post(key, one)
    const again = await post(key, other)
    expect([first.statusCode, again.statusCode, again.headers['idempotent-replayed']]).toEqual([
      201,
      201,
      'true',
    ])
    expect(again.payload).toBe(first.payload)
  })

  it.each<[string, object]>([
    ['at another time', { hours: 2 }],
    ['to another URL', { url: 'https://example.com/other' }],
    ['with a payload', { payload: null }],
    ['with a header', { headers: { 'x-a': '1' } }],
    ['with a label', { labels: ['a'] }],
    ['with a key', { key: 'its-own' }],
    ['with an expiry', { expires_in: 5 }],
    ['with a callback', { callback: { url: 'https://example.com/' } }],
    ['delivered otherwise', { delivery: 'at_least_once' }],
    ['with fewer attempts', { max_attempts: 1 }],
  ])('refuses it for another request: %s', async (_name, difference) => {
    const key = freshKey()
    await post(key)
    const reply = await post(key, { ...TIMER, ...difference })
    expectProblem(reply, 422, 'IDEMPOTENCY_KEY_REUSED')
    expect(reply.headers['idempotent-replayed']).toBeUndefined()
  })

  it('answers a request whose time has passed meanwhile, and takes no new one of it', async () => {
    const key = freshKey()
    const at = new Date(Date.now() - 57_000).toISOString()
    const first = await post(key, { at, url: TIMER.url })
    expect(first.statusCode).toBe(201)
    await eventually(
      async () => expectProblem(await post(freshKey(), { at, url: TIMER.url }), 400, 'INVALID_TIME'),
      { timeoutMs: 10_000 },
    )
    const again = await post(key, { at, url: TIMER.url })
    expect([again.statusCode, again.payload]).toEqual([201, first.payload])
  })

  it.each([
    ['one character', 'x'],
    ['255 characters', 'x'.repeat(255)],
    ['a UUID in quotes', '"8e03978e-40d5-43e8-bc93-6894a57f9324"'],
    [
      'every visible character',
      Array.from({ length: 94 }, (_, index) => String.fromCharCode(33 + index)).join(''),
    ],
  ])('takes %s', async (_name, key) => {
    expect((await post(key)).statusCode).toBe(201)
    expect((await post(key)).headers['idempotent-replayed']).toBe('true')
  })

  it.each([
    ['nothing', ''],
    ['nothing in quotes', '""'],
    ['a space', 'a b'],
    ['two of them', 'a, b'],
    ['256 characters', 'x'.repeat(256)],
    ['an umlaut', 'ä'],
    ['a quote that does not end', '"abc'],
  ])('refuses %s, and creates nothing', async (_name, key) => {
    const before = await bed.timerCount()
    const reply = await post(key)
    expectProblem(reply, 400, 'INVALID_IDEMPOTENCY_KEY', { errors: [{ field: 'Idempotency-Key' }] })
    expect(reply.json().detail).toContain('1 to 255 visible ASCII characters')
    expect(await bed.timerCount()).toBe(before)
  })

  it('remembers nothing of a request that was refused', async () => {
    const key = freshKey()
    expect((await post(key, { hours: 1, url: 'ftp://a.b' })).statusCode).toBe(400)
    const reply = await post(key)
    expect([reply.statusCode, reply.headers['idempotent-replayed']]).toEqual([201, undefined])
  })

  it('counts replays apart from timers', async () => {
    const key = freshKey()
    const metric = async (name: string) =>
      Number(
        new RegExp(`^${name}\\{service="api"\\} (\\d+)$`, 'm').exec(
          (await bed.send('GET', '/metrics')).payload,
        )?.[1],
      )
    const before = [await metric('timers_created_total'), await metric('timers_creates_replayed_total')]
    await post(key)
    await post(key)
    await post(key)
    const after = [await metric('timers_created_total'), await metric('timers_creates_replayed_total')]
    expect(after).toEqual([(before[0] ?? 0) + 1, (before[1] ?? 0) + 2])
  })
})
