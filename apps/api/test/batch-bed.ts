import { startTestRedis, type TestRedis, timed } from '@timers/lab'
import { startTestApi, type TestApi } from './test-api.ts'

/** The promise: an answer within two seconds, whatever Redis does. */
export const PROMISED_MS = 2_000

export let redis: TestRedis
export let api: TestApi

beforeAll(async () => {
  redis = await startTestRedis()
  api = await startTestApi({ redisUrl: redis.url, env: { TIMER_SHARDS: '2' } })
  await api.ready()
})
afterAll(async () => {
  await api?.close()
  await redis.stop()
})

export interface Result {
  readonly status: number
  readonly timer: { readonly id: number; readonly time_left: number; readonly due_at: string }
  readonly replayed?: boolean
  readonly problem: Readonly<Record<string, unknown>>
}

export const url = 'https://example.com/hook'
export const good = (more: object = {}) => ({ minutes: 5, url, ...more })

export async function send(
  payload: string | object,
  { headers = {}, to = api }: { headers?: object; to?: TestApi } = {},
) {
  const { value: reply, tookMs } = await timed(() =>
    to.app.inject({
      method: 'POST',
      url: '/timers/batch',
      headers: { 'content-type': 'application/json', ...headers },
      payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
    }),
  )
  return { reply, tookMs, results: reply.json().results as readonly Result[] }
}

export const batch = async (...timers: readonly unknown[]) => {
  const { reply, results } = await send({ timers })
  expect(reply.statusCode).toBe(207)
  expect(results).toHaveLength(timers.length)
  return results
}

/** Jobs of timers in Redis, whoever created them. */
export async function stored(): Promise<number> {
  const keys = (await redis.command('KEYS', '*')) as readonly string[]
  return keys.filter((key) => /:t\d+$/.test(key)).length
}
