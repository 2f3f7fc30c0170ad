import { eventually, startTestRedis, type TestRedis } from '@timers/lab'
import { createRedisTimerStore, createTimerConsumer } from '../src/index.ts'

const log = { debug() {}, info() {}, warn() {}, error() {} }

let redis: TestRedis
beforeAll(async () => {
  redis = await startTestRedis()
})
afterAll(() => redis.stop())

test('a quiet worker waits to the millisecond, not in whole seconds: timers were up to a second late', async () => {
  const options = { redisUrl: redis.url, shards: 1, log }
  const store = createRedisTimerStore(options)
  let handled = 0
  const consumer = createTimerConsumer({
    ...options,
    concurrency: 1,
    retentionDays: 1,
    handle: async () => {
      handled += 1
    },
  })
  // Every command from here on is in the slow log, with its arguments.
  await redis.command('CONFIG', 'SET', 'slowlog-log-slower-than', '0')
  await redis.command('CONFIG', 'SET', 'slowlog-max-len', '10000')
  try {
    await eventually(() => expect(store.health().ready).toBe(true))
    // First the timer: then its marker ends the worker's wait at once, and Redis logs only waits that did not run out.
    await store.create({ url: 'http://127.0.0.1/', delayMs: 1_300 })
    await consumer.start()
    await eventually(() => expect(handled).toBe(1))
    // The wait for the timer itself: more than nothing, less than the 1.3 s, and not rounded up to the next second.
    const entries = (await redis.command('SLOWLOG', 'GET', '10000')) as [number, number, number, string[]][]
    const waits = entries
      .map(([, , , command]) => command)
      .filter(([name]) => name?.toLowerCase() === 'bzpopmin')
      .map(([, , seconds]) => Number(seconds))
    expect(waits.filter((seconds) => !Number.isInteger(seconds))).not.toHaveLength(0)
  } finally {
    await consumer.stop()
    await store.close()
  }
})
