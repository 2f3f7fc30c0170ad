import { startTestRedis, type TestRedis } from '@timers/lab'
import { startTestApi, type TestApi } from './test-api.ts'

let redis: TestRedis
let api: TestApi
/** What the API takes for now. The store stamps timers by the machine's clock. */
let now = Date.now()

beforeAll(async () => {
  redis = await startTestRedis()
  api = await startTestApi({ redisUrl: redis.url, clock: { now: () => now } })
  await api.ready()
})

afterAll(async () => {
  await api?.close()
  await redis?.stop()
})

async function createTimer(seconds: number): Promise<{ id: number; dueAt: number }> {
  const reply = await api.app.inject({
    method: 'POST',
    url: '/timers',
    payload: { seconds, url: 'https://example.com/hook?token=secret' },
  })
  expect(reply.statusCode).toBe(201)
  const { id, due_at } = reply.json()
  return { id, dueAt: Date.parse(due_at) }
}

describe('GET /timers/:id', () => {
  it('shows a pending timer, its time left rounded up, and never its URL', async () => {
    const { id, dueAt } = await createTimer(10)
    now = dueAt - 6_999
    const reply = await api.app.inject(`/timers/${id}`)
    expect(reply.statusCode).toBe(200)
    expect(reply.headers['cache-control']).toBe('no-store')
    expect(reply.json()).toEqual({
      id,
      time_left: 7,
      status: 'pending',
      waiting_for: 'due_time',
      next_attempt_at: new Date(dueAt).toISOString(),
      created_at: new Date(dueAt - 10_000).toISOString(),
      due_at: new Date(dueAt).toISOString(),
      delivery: 'at_most_once',
      max_attempts: 10,
      attempt_log: [],
    })
    expect(Object.keys(reply.json()).slice(0, 2)).toEqual(['id', 'time_left'])
  })

  it('counts down to 0 and stays there once due', async () => {
    const { id, dueAt } = await createTimer(1)
    const timeLeftAt = async (instant: number) => {
      now = instant
      return (await api.app.inject(`/timers/${id}`)).json().time_left
    }
    expect(await timeLeftAt(dueAt - 1_000)).toBe(1)
    expect(await timeLeftAt(dueAt - 1)).toBe(1)
    expect(await timeLeftAt(dueAt)).toBe(0)
    expect(await timeLeftAt(dueAt + 3_600_000)).toBe(0)
  })

  it.each([
    ['an encoded digit', (id: number) => `/timers/%3${String(id)[0]}${String(id).slice(1)}`],
    ['a trailing slash', (id: number) => `/timers/${id}/`],
    ['a query, which it ignores', (id: number) => `/timers/${id}?x=1`],
  ])('takes %s', async (_name, path) => {
    const { id } = await createTimer(60)
    const reply = await api.app.inject(path(id))
    expect(reply.statusCode).toBe(200)
    expect(reply.json().id).toBe(id)
  })

  it.each([
    '0',
    '00',
    '01',
    '999999999',
    '9007199254740991',
    '9007199254740993',
    '99999999999999999999',
    '9'.repeat(400),
  ])('answers 404 for digits that were never an id: %.30s', async (id) => {
    const reply = await api.app.inject(`/timers/${id}`)
    expect(reply.statusCode).toBe(404)
    expect(reply.headers['content-type']).toBe('application/problem+json')
    expect(reply.json()).toMatchObject({ status: 404, code: 'TIMER_NOT_FOUND' })
  })

  it.each(['abc', '1.5', '-1', '+1', '1e3', '0x1', '%201', '1,2', 't1', '%EF%BC%91', 'NaN', '__proto__'])(
    'answers 400 for what is no whole number: %s',
    async (id) => {
      const reply = await api.app.inject(`/timers/${id}`)
      expect(reply.statusCode).toBe(400)
      expect(reply.headers['content-type']).toBe('application/problem+json')
      expect(reply.json()).toMatchObject({
        status: 400,
        code: 'INVALID_TIMER_ID',
        detail: expect.stringContaining('must be a whole number'),
      })
    },
  )

  it('answers HEAD with the headers only', async () => {
    const { id } = await createTimer(60)
    const reply = await api.app.inject({ method: 'HEAD', url: `/timers/${id}` })
    expect(reply.statusCode).toBe(200)
    expect(reply.payload).toBe('')
    expect((await api.app.inject({ method: 'HEAD', url: '/timers/0' })).statusCode).toBe(404)
  })
})
