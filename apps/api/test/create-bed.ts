import { startTestRedis, type TestRedis } from '@timers/lab'
import { startTestApi, type TestApi } from './test-api.ts'

export const URL = 'https://example.com/hook'

export let redis: TestRedis
export let api: TestApi

beforeAll(async () => {
  redis = await startTestRedis()
  api = await startTestApi({ redisUrl: redis.url })
  await api.ready()
})

afterAll(async () => {
  await api?.close()
  await redis?.stop()
})

export function post(payload: string | object | Buffer, headers: Record<string, string> = {}) {
  return api.app.inject({
    method: 'POST',
    url: '/timers',
    headers: { 'content-type': 'application/json', ...headers },
    payload,
  })
}
