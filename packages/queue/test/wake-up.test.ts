import { eventually, startTestRedis, type TestRedis } from '@timers/lab'
import { createRedisTimerStore, createTimerConsumer } from '../src/index.ts'
import { delivered, fired } from './rig.ts'

const log = { debug() {}, info() {}, warn() {}, error() {} }

let redis: TestRedis
beforeAll(async () => {
  redis = await startTestRedis()
})
afterAll(() => redis.stop())

test('a quiet worker waits to the millisecond, not in whole seconds: timers were up to a second late', async () => {
  const options = { redisUrl: redis.url, shards: 1, log }
  const store = createRedisTimerStore(options)
  /** How long the worker asked Redis to wait for a timer of 1.3 s, each time. */
  async function waits(): Promise<number[]> {
    let handled = 0
    const consumer = createTimerConsumer({
      ...options,
      concurrency: 1,
      retentionDays: 1,
      handle: async (due) => {
        handled += 1
        const claim = await due.claim()
        if (claim.kind === 'granted') await due.settle(claim.attempt, delivered(), fired)
      },
    })
    // First the timer: then its marker ends the worker's wait at once, and Redis logs only waits that did not run out.
    await store.create({ url: 'http://127.0.0.1/', delayMs: 1_300 })
    await consumer.start()
    try {
      await eventually(() => expect(handled).toBe(1))
    } finally {
      await consumer.stop()
    }
    const entries = (await redis.command('SLOWLOG', 'GET', '10000')) as [number, number, number, string[]][]
    return entries
      .map(([, , , command]) => command)
      .filter(([name]) => name?.toLowerCase() === 'bzpopmin')
      .map(([, , seconds]) => Number(seconds))
  }
  // Every command from here on is in the slow log, with its arguments.
  await redis.command('CONFIG', 'SET', 'slowlog-log-slower-than', '0')
  await redis.command('CONFIG', 'SET', 'slowlog-max-len', '10000')
  try {
    await eventually(() => expect(store.health().ready).toBe(true))
    // The wait for the timer itself: more than nothing, less than the 1.3 s, and not rounded up to the next second. There is
    // none where the start took longer than that: then again.
    let exact: number[] = []
    for (let tries = 0; tries < 3 && exact.length === 0; tries += 1) {
      exact = (await waits()).filter((seconds) => !Number.isInteger(seconds))
    }
    expect(exact).not.toHaveLength(0)
  } finally {
    await store.close()
  }
})
