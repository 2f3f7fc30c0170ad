import { startTestRedis, type TestRedis } from '@timers/lab'
import { startTestApi, type TestApi } from './test-api.ts'

let redis: TestRedis
let api: TestApi

beforeAll(async () => {
  redis = await startTestRedis()
  api = await startTestApi({ redisUrl: redis.url })
  await api.ready()
})
afterAll(async () => {
  await api?.close()
  await redis.stop()
})

const url = 'https://example.com/hook'
const good = (more: object = {}) => ({ minutes: 5, url, ...more })
const send = (payload: string | object, headers: Record<string, string> = {}) =>
  api.app.inject({
    method: 'POST',
    url: '/timers/batch',
    headers: { 'content-type': 'application/json', ...headers },
    payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
  })

describe('POST /timers/batch', () => {
  it('creates a thousand timers, each once, in the order asked', async () => {
    const timers = Array.from({ length: 1_000 }, (_, index) => ({ seconds: 1_000 + index, url }))
    const startedAt = Date.now()
    const reply = await send({ timers })
    expect(reply.statusCode).toBe(207)
    const { results } = reply.json()
    expect(api.logs.filter((l: any) => l.level > 30)).toEqual([])
    expect(results).toHaveLength(1_000)
    expect(new Set(results.map(({ timer }: any) => timer.id)).size).toBe(1_000)
    for (const [index, { status, timer, ...rest }] of results.entries()) {
      expect({ status, rest, timer }).toEqual({
        status: 201,
        rest: {},
        timer: { id: expect.any(Number), time_left: 1_000 + index, status: 'pending', due_at: expect.any(String) },
      })
      const dueMs = Date.parse(timer.due_at) - startedAt - (1_000 + index) * 1_000
      expect(dueMs).toBeGreaterThanOrEqual(0)
      expect(dueMs).toBeLessThan(2_000)
    }
    const last = await api.find(results[999].timer.id)
    expect(last).toMatchObject({ url, status: 'pending', dueAt: Date.parse(results[999].timer.due_at) })
  })
})
