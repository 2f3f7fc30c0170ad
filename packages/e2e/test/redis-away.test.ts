import { eventually, FLAWLESS, getJson, postTimer } from '@timers/lab'
import { Load } from '../src/load.ts'
import { judgeAtRest } from '../src/rest.ts'
import { installations } from './installations.ts'

/** What the API promises. */
const ANSWER_WITHIN_MS = 2_000
const RECOVERED = { timeoutMs: 15_000, intervalMs: 50 }

describe('Redis is away', () => {
  const start = installations()

  test('when the services start: the API answers 503 in time, API and worker recover by themselves', async () => {
    const running = await start({ apis: 0, workers: 0 })
    await running.redis.kill()
    const api = await running.bootApi()
    const worker = running.spawn('worker')
    await worker.waitForLog(({ msg }) => msg === 'redis connection lost')

    const askedAt = performance.now()
    const refused = await postTimer(api.url, { seconds: 1, url: running.receiver.hookUrl })
    expect(performance.now() - askedAt).toBeLessThan(ANSWER_WITHIN_MS)
    expect(refused.status).toBe(503)
    expect(refused.headers.get('content-type')).toBe('application/problem+json')
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(refused.body).toMatchObject({ status: 503, code: 'STORE_UNAVAILABLE' })
    expect((await getJson(`${api.url}/timers/1`)).status).toBe(503)
    expect((await getJson(`${api.url}/healthz`)).status).toBe(200)
    expect((await getJson(`${api.url}/readyz`)).status).toBe(503)

    await running.redis.restart()
    await api.ready(`${api.url}/readyz`)
    await worker.waitForLog(({ msg }) => msg === 'worker ready')
    const load = new Load({ apiUrl: api.url, receiver: running.receiver })
    await load.run({ count: 20, overMs: 0, seconds: [1, 1] })
    expect(load.acknowledged).toHaveLength(20)
    expect(await judgeAtRest(running, load)).toEqual({ flaws: FLAWLESS, unknown: [] })
  }, 60_000)

  test('and hangs rather than refuses: the API answers 503 in time, and recovers', async () => {
    const running = await start({ workers: 1 })
    const load = new Load(running)
    await load.run({ count: 10, overMs: 0, seconds: [1, 1] })
    running.redis.pause()
    await load.run({ count: 10, overMs: 0, seconds: [1, 1] })
    running.redis.resume()
    expect(load.failed.map(({ failure }) => failure)).toEqual(Array(10).fill('STORE_UNAVAILABLE'))
    expect(Math.max(...load.failed.map(({ tookMs = 0 }) => tookMs))).toBeLessThan(ANSWER_WITHIN_MS)

    await eventually(async () => {
      expect(await load.create(1)).toMatchObject({ failure: undefined })
    }, RECOVERED)
    expect(await judgeAtRest(running, load)).toEqual({ flaws: FLAWLESS, unknown: [] })
  }, 60_000)
})
