import type { Cost } from '../cost.ts'
import { deviationOf, mostPerSecond } from './check.ts'

const cost = (use: Partial<Cost>) =>
  ({
    ...Object.fromEntries(
      ['redisUs', 'replicaUs', 'apiUs', 'workerUs', 'benchUs', 'perSecond'].map((name) => [name, 0]),
    ),
    ...use,
  }) as Cost

test.each([
  ['the one worker', { redisUs: 50, workerUs: 250, benchUs: 10 }, 4_000],
  ['Redis, where it is dearer', { redisUs: 500, apiUs: 100 }, 2_000],
  ['the cores, where all share them', { redisUs: 100, workerUs: 200, benchUs: 300 }, 2e6 / 600],
])('most a second is what leaves room for it: %s', (_, use, expected) => {
  expect(mostPerSecond(cost(use), 2, 1)).toBeCloseTo(expected, 6)
})

test('two primaries do twice as much', () => {
  expect(mostPerSecond(cost({ redisUs: 500, apiUs: 1 }), 64, 2)).toBe(4_000)
})

test('a tenth more is a deviation of 0.1', () => {
  expect(deviationOf({ what: '', unit: 'us', predicted: 100, measured: 110 })).toBeCloseTo(0.1, 6)
})
