import { eventually, startTestRedis, type TestRedis } from '@timers/lab'
import { startTestApi, type TestApi } from './test-api.ts'

let redis: TestRedis
let api: TestApi

beforeAll(async () => {
  redis = await startTestRedis()
})
afterAll(() => redis.stop())
beforeEach(async () => {
  await redis.flush()
  api = await startTestApi({ redisUrl: redis.url, env: { TIMER_SHARDS: '3' } })
  await api.ready()
})
afterEach(() => api.close())

const post = async (url: string, payload: object, headers: Record<string, string> = {}) => {
  const reply = await api.app.inject({ method: 'POST', url, payload, headers })
  return { status: reply.statusCode, body: reply.json() }
}
const url = 'https://example.com/hook'

/** Timers of the batch, by `timerOf`. Their ids. */
async function create(count: number, timerOf: (index: number) => object): Promise<number[]> {
  const timers = Array.from({ length: count }, (_, index) => ({ url, minutes: 5, ...timerOf(index) }))
  const ids: number[] = []
  for (let from = 0; from < count; from += 1_000) {
    const { body } = await post('/timers/batch', { timers: timers.slice(from, from + 1_000) })
    for (const { timer } of body.results) ids.push(timer.id)
  }
  return ids
}

interface Step {
  readonly matched: number
  readonly done: number
  readonly skipped: readonly { readonly id: number; readonly code: string }[]
  readonly next_cursor?: string
}

async function walk(path: string, payload: object): Promise<Step[]> {
  const steps: Step[] = []
  let cursor: string | undefined
  do {
    const { status, body } = await post(path, { ...payload, cursor })
    expect(status).toBe(200)
    steps.push(body)
    cursor = body.next_cursor
  } while (cursor !== undefined)
  return steps
}
const sum = (steps: readonly Step[], of: 'matched' | 'done') =>
  steps.reduce((total, step) => total + step[of], 0)
const statusOf = async (id: number) => (await api.find(id))?.status

describe('POST /timers/cancel', () => {
  it('cancels 3,000 timers of a label over several shards, a step after the other, and no other', async () => {
    const ids = await create(3_000, (index) => ({
      seconds: 600 + (index % 7),
      labels: ['mine', `n${index % 2}`],
    }))
    const others = await create(10, () => ({ labels: ['theirs'] }))
    const steps = await walk('/timers/cancel', { filter: { label: 'mine' }, limit: 700 })
    expect(steps.length).toBeGreaterThanOrEqual(5)
    expect([sum(steps, 'matched'), sum(steps, 'done')]).toEqual([3_000, 3_000])
    for (const id of [ids[0], ids[1_499], ids[2_999]]) expect(await statusOf(id as number)).toBe('cancelled')
    for (const id of others) expect(await statusOf(id)).toBe('pending')
    expect((await post('/timers/cancel', { filter: { label: 'mine' } })).body).toEqual({
      matched: 0,
      done: 0,
      skipped: [],
    })
  })
})
