import { eventually, startTestRedis, type TestRedis } from '@timers/lab'
import { startHand } from './hand.ts'
import { startTestApi, type TestApi } from './test-api.ts'

/** The promise: an answer within two seconds, whatever Redis does. */
export const PROMISED_MS = 2_000
export const HOST = 'https://example.com'

export let redis: TestRedis
export let api: TestApi
export let closers: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  redis = await startTestRedis()
})
afterAll(() => redis.stop())
afterEach(async () => {
  for (const close of closers.reverse()) await close()
  closers = []
})

/** An API on an empty Redis; `hands` take what is due. */
export async function open({ shards = 1, hands = 0, port = redis.port } = {}): Promise<void> {
  await redis.flush()
  api = await startTestApi({
    redisUrl: `redis://127.0.0.1:${port}`,
    env: { TIMER_SHARDS: String(shards) },
  })
  closers.push(() => api.close())
  await api.ready()
  for (let hand = 0; hand < hands; hand += 1) {
    const started = await startHand(redis.url)
    closers.push(() => started.stop())
  }
}

export interface Step {
  readonly matched: number
  readonly done: number
  readonly skipped: readonly { readonly id: number; readonly code: string }[]
  readonly next_cursor?: string
}

export async function post(url: string, payload: object, headers: Record<string, string> = {}) {
  const reply = await api.app.inject({ method: 'POST', url, payload, headers })
  return { status: reply.statusCode, body: reply.json() }
}

export async function step(
  path: string,
  payload: object,
  headers: Record<string, string> = {},
): Promise<Step> {
  const { status, body } = await post(path, payload, headers)
  expect([status, body]).toEqual([200, expect.objectContaining({ done: expect.any(Number) })])
  return body
}

/** All steps until there is no cursor. */
export async function walk(path: string, payload: object): Promise<Step[]> {
  const steps: Step[] = []
  for (let cursor: string | undefined; steps.length === 0 || cursor !== undefined; ) {
    const next = await step(path, { ...payload, cursor })
    steps.push(next)
    cursor = next.next_cursor
  }
  return steps
}

export const sum = (steps: readonly Step[]) => ({
  matched: steps.reduce((total, { matched }) => total + matched, 0),
  done: steps.reduce((total, { done }) => total + done, 0),
  skipped: steps.flatMap(({ skipped }) => skipped),
})

/** Creates timers of an hour, or as `timerOf` has it. Their ids. */
export async function create(
  count: number,
  timerOf: (index: number) => object = () => ({}),
): Promise<number[]> {
  const ids: number[] = []
  for (let from = 0; from < count; from += 1_000) {
    const timers = Array.from({ length: Math.min(1_000, count - from) }, (_, index) => {
      const more = timerOf(from + index)
      return { url: `${HOST}/hook`, ...('at' in more ? {} : { hours: 1 }), ...more }
    })
    const { body } = await post('/timers/batch', { timers })
    for (const { timer } of body.results) ids.push(timer.id)
  }
  return ids
}

/** Creates timers that end so, and waits until they have. */
export async function ended(
  status: 'fired' | 'failed' | 'unknown',
  count: number,
  more: object = {},
): Promise<number[]> {
  const at = new Date().toISOString()
  const ids = await create(count, () => ({ at, url: `${HOST}/${status}`, ...more }))
  await eventually(async () => expect(await statusesOf(ids)).toEqual({ [status]: count }), {
    timeoutMs: 10_000,
  })
  return ids
}

export async function statusesOf(ids: readonly number[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const timer of await Promise.all(ids.map((id) => api.find(id)))) {
    const status = timer?.status ?? 'missing'
    counts[status] = (counts[status] ?? 0) + 1
  }
  return counts
}

export const NOTHING = { matched: 0, done: 0, skipped: [] }
