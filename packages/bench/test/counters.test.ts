import { startTestRedis, type TestRedis } from '@timers/lab'
import { combine, redisCounters } from '../src/counters.ts'

let redis: TestRedis
beforeAll(async () => {
  redis = await startTestRedis()
})
afterAll(() => redis.stop())

test('what Redis has done between two readings is counted', async () => {
  const before = await redisCounters([redis])
  for (let index = 0; index < 20; index += 1) await redis.command('SET', `key:${index}`, 'x'.repeat(1_000))
  const used = combine(before, await redisCounters([redis]), (a, b) => b - a)
  // And the INFO of the first reading.
  expect(used.commands).toBe(21)
  expect(used.diskBytes).toBeGreaterThan(20 * 1_000)
  expect(used.diskBytes).toBeLessThan(20 * 1_100)
  expect(used.wireBytes).toBeGreaterThan(20 * 1_000)
  expect(used.memoryBytes).toBeGreaterThan(20 * 1_000)
  expect(used.replicationBytes).toBe(0)
})

test('of no servers there is nothing to count', async () => {
  expect(await redisCounters([])).toMatchObject({ commands: 0, processorUs: 0 })
})
