import fc from 'fast-check'
import { COSTS } from '../../test/example-costs.ts'
import { ASSUMPTIONS, type Demand, planFor } from './plan.ts'

const HOUR = 3_600
const planOf = (demand: Partial<Demand>, assumptions = ASSUMPTIONS, costs = COSTS) =>
  planFor({ perSecond: 100, pending: 1_000, keptSeconds: HOUR, ...demand }, costs, assumptions)

test('little is asked: one primary with one shard, and two of each process, so that one may be lost', () => {
  expect(planOf({})).toMatchObject({ primaries: 1, redisNodes: 2, shards: 1, apis: 2, workers: 2, cores: 6 })
})

test('processes are given half of what they could do', () => {
  // 100 us a create: 10,000/s at most, 5,000 planned.
  expect(planOf({ perSecond: 20_000 }).apis).toBe(4)
  expect(planOf({ perSecond: 20_000 }, { ...ASSUMPTIONS, load: 0.8 }).apis).toBe(3)
})

test('two primaries cannot elect a third: a cluster has three', () => {
  // 125 us a timer: 4,000/s planned for each.
  expect(planOf({ perSecond: 4_000, keptSeconds: 1 })).toMatchObject({ primaries: 3, because: 'quorum' })
})

test('a rate that one core cannot do asks for more primaries', () => {
  const plan = planOf({ perSecond: 40_000, keptSeconds: 1 })
  expect(plan.because).toBe('processor')
  // Ten for the timers themselves, and what it costs to be looked at by all.
  expect(plan.primaries).toBeGreaterThanOrEqual(10)
  expect(plan.primaries).toBeLessThanOrEqual(11)
})

test('what is kept asks for memory, and for nothing else', () => {
  const plan = planOf({ perSecond: 1_000, keptSeconds: 720 * HOUR })
  expect(plan).toMatchObject({ because: 'memory', workers: 2, apis: 2 })
  expect(plan.nodeDataGiB).toBeLessThanOrEqual(ASSUMPTIONS.nodeGiB)
})

test('a shard holds no more timers than may stand still while its slot moves', () => {
  expect(planOf({ pending: 100_000_000 }).shards).toBeGreaterThanOrEqual(50)
  expect(planOf({ pending: 10_000_000_000 }).shards).toBe(1_024)
})

test('without replicas there are as many nodes as primaries', () => {
  const plan = planOf({}, { ...ASSUMPTIONS, replicas: 0 })
  expect(plan).toMatchObject({ redisNodes: 1, replicationMB: 0 })
})

test('money is that of cores, memory and disk', () => {
  const free = { coreHour: 0, memoryGiBMonth: 0, diskGiBMonth: 0 }
  const plan = planOf({}, { ...ASSUMPTIONS, ...free, coreHour: 1 })
  expect(plan.money).toEqual({ cores: 6 * 730, memory: 0, disk: 0 })
  expect(plan.moneyPerMillion).toBeCloseTo((6 / (100 * 3_600)) * 1e6, 6)
})

test('more is never cheaper, and no plan asks a core for more than it is given', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100_000 }),
      fc.integer({ min: 0, max: 100_000_000 }),
      (perSecond, pending) => {
        const plan = planOf({ perSecond, pending, keptSeconds: 600 })
        const more = planOf({ perSecond: perSecond * 2, pending, keptSeconds: 600 })
        expect(more.cores).toBeGreaterThanOrEqual(plan.cores)
        const timers = perSecond * (COSTS.createRedisUs + COSTS.fireRedisUs)
        const share = timers / plan.primaries / 1e6 + plan.lookingShare
        expect(share).toBeLessThanOrEqual(ASSUMPTIONS.load)
        expect((perSecond * COSTS.fireWorkerUs) / plan.workers / 1e6).toBeLessThanOrEqual(ASSUMPTIONS.load)
      },
    ),
  )
})
