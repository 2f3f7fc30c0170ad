import { setTimeout as sleep } from 'node:timers/promises'
import { FLAWLESS, type Installation } from '@timers/lab'
import { Load } from '../src/load.ts'
import { judgeAtRest } from '../src/rest.ts'
import { installations } from './installations.ts'

/** What the API promises a client that it has to send away. */
const ANSWER_WITHIN_MS = 2_000
/** How long a worker's lock lasts: `LOCK_MS` of packages/queue. */
const LOCK_MS = 6_000

describe('Redis is killed with -9 and started again on the same data', () => {
  const install = installations()

  async function start(): Promise<{ running: Installation; load: Load }> {
    const running = await install()
    return { running, load: new Load(running) }
  }

  test('while timers are created: those acknowledged fire once, the others get a 503 in time', async () => {
    const { running, load } = await start()
    const loading = load.run({ count: 300, overMs: 2_500, seconds: [1, 4] })
    await load.untilAcknowledged(100)
    await running.redis.kill()
    await load.untilFailed(10)
    await running.redis.restart()
    await loading

    expect(await judgeAtRest(running, load)).toEqual({ flaws: FLAWLESS, unknown: [] })
    expect(new Set(load.failed.map(({ failure }) => failure))).toEqual(new Set(['STORE_UNAVAILABLE']))
    expect(Math.max(...load.failed.map(({ tookMs = 0 }) => tookMs))).toBeLessThan(ANSWER_WITHIN_MS)
    // It recovered by itself while the clients went on.
    expect(load.creations.at(-1)?.acknowledged).toBeDefined()
    expect(load.acknowledged.length).toBeGreaterThan(150)
  }, 60_000)

  test('while timers wait: all fire once', async () => {
    const { running, load } = await start()
    // Far enough away that Redis is down by then, also on a busy machine.
    await load.run({ count: 300, overMs: 800, seconds: [8, 9] })
    await running.redis.kill()
    expect(running.receiver.requests).toEqual([])
    await running.redis.restart()

    expect(await judgeAtRest(running, load)).toEqual({ flaws: FLAWLESS, unknown: [] })
    expect(load.acknowledged).toHaveLength(300)
  }, 60_000)

  test('while timers fire: all fire once, and answers that came meanwhile are written down', async () => {
    const { running, load } = await start()
    await load.run({ count: 300, overMs: 1_500, seconds: [2, 4] })
    await running.receiver.waitFor((requests) => requests.length >= 50 && running.openRequests.length >= 10)
    const inFlight = running.openRequests
    await running.redis.kill()
    await running.receiver.waitFor(() => inFlight.every(({ answeredAt }) => answeredAt !== undefined))
    await running.redis.restart()

    expect(await judgeAtRest(running, load)).toEqual({ flaws: FLAWLESS, unknown: [] })
    expect(load.acknowledged).toHaveLength(300)
  }, 60_000)

  test('while timers fire, and is away for longer than the locks last: all fire once', async () => {
    const { running, load } = await start()
    await load.run({ count: 300, overMs: 1_500, seconds: [2, 4] })
    await running.receiver.waitFor((requests) => requests.length >= 50 && running.openRequests.length >= 10)
    await running.redis.kill()
    await sleep(LOCK_MS + 1_000)
    await running.redis.restart()

    expect(await judgeAtRest(running, load)).toEqual({ flaws: FLAWLESS, unknown: [] })
    expect(load.acknowledged).toHaveLength(300)
  }, 60_000)
})
