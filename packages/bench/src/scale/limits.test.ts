import { COSTS } from '../../test/example-costs.ts'
import { limitsOf } from './limits.ts'
import { ASSUMPTIONS } from './plan.ts'

const HOUR = 3_600
const narrowest = (keptSeconds: number, costs = COSTS) => limitsOf(costs, keptSeconds, ASSUMPTIONS)[0]

test('the narrowest limit comes first', () => {
  expect(narrowest(HOUR)).toEqual({ what: 'one worker process', perSecond: 4_000 })
  expect(narrowest(HOUR, { ...COSTS, createRedisUs: 900 })?.what).toBe("a primary's core")
})

test('what is kept for long is limited by memory', () => {
  // 16 GiB of 1 KiB each, in 30 days.
  const limit = narrowest(720 * HOUR)
  expect(limit?.what).toContain('memory')
  expect(limit?.perSecond).toBeCloseTo(2 ** 24 / (720 * HOUR), 6)
})
