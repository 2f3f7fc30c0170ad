import { eventually, startTestRedis, type TestRedis } from '@timers/testkit'
import { Redis } from 'ioredis'
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
      return { kind: 'finish', status: 'fired' }
    },
  })
  const observer = new Redis(redis.url)
  const waits: number[] = []
  const monitor = await observer.monitor()
  monitor.on('monitor', (_time: string, [command, _key, seconds]: string[]) => {
    if (command?.toLowerCase() === 'bzpopmin') waits.push(Number(seconds))
  })
  try {
    await consumer.start()
    await eventually(() => expect(store.health().ready).toBe(true))
    await store.schedule({ url: 'http://127.0.0.1/', delayMs: 1_300 })
    await eventually(() => expect(handled).toBe(1))
    // The wait for the timer itself: more than nothing, less than the 1.3 s, and not rounded up to the next second.
    expect(waits.filter((seconds) => !Number.isInteger(seconds))).not.toHaveLength(0)
  } finally {
    monitor.disconnect()
    observer.disconnect()
    await consumer.stop()
    await store.close()
  }
})
