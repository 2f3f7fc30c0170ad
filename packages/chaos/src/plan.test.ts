import { FAULT_KINDS, faultsOn, REDIS_KINDS } from './fault-kinds.ts'
import { makePlan, type PlanSettings } from './plan.ts'

const SETTINGS: PlanSettings = { seed: 'a', minutes: 10, ratePerSecond: 25, faults: faultsOn('single') }
const PLAN = makePlan(SETTINGS)
/** To be made again and again. */
const SHORT = { ...SETTINGS, minutes: 1 }

test('a plan follows from the seed alone', () => {
  // As text: tens of thousands of timers, compared one by one, take seconds.
  const [plan, again] = [makePlan(SHORT), makePlan(SHORT)].map((one) => JSON.stringify(one))
  expect(again === plan).toBe(true)
  expect(JSON.stringify(makePlan({ ...SHORT, seed: 'b' })) === plan).toBe(false)
})

test('leaving faults out changes nothing else', () => {
  const [all, some] = [makePlan(SHORT), makePlan({ ...SHORT, faults: ['api-kill', 'worker-kill'] })]
  expect(JSON.stringify(some.creates) === JSON.stringify(all.creates)).toBe(true)
  expect(some.closings).toEqual(all.closings)
  expect(new Set(some.faults.map(({ kind }) => kind))).toEqual(new Set(['api-kill', 'worker-kill']))
})

test('ten minutes see every fault, some of them at the same time, and end in peace', () => {
  const { faults, closings, loadMs } = PLAN
  expect(new Set(faults.map(({ kind }) => kind))).toEqual(new Set(faultsOn('single')))
  const overlaps = faults.filter(
    ({ atMs, lastsMs }) =>
      faults.filter((other) => other.atMs > atMs && other.atMs < atMs + lastsMs).length > 0,
  )
  expect(overlaps.length).toBeGreaterThan(faults.length / 4)
  const ends = [...faults, ...closings].map(({ atMs, lastsMs }) => atMs + lastsMs)
  expect(Math.max(...ends)).toBeLessThan(loadMs - 10_000)
})

test.each(REDIS_KINDS)('ten minutes see every fault that a Redis of kind %s can have', (redis) => {
  const { faults } = makePlan({ ...SETTINGS, redis, faults: faultsOn(redis) })
  expect(new Set(faults.map(({ kind }) => kind))).toEqual(new Set(faultsOn(redis)))
})

test('everything is in the order of its time', () => {
  const { faults, closings, creates, alone, keys, batches } = PLAN
  for (const list of [faults, closings, creates.slice(0, alone), keys, batches]) {
    const times = list.map(({ atMs }) => atMs)
    expect(times).toEqual([...times].sort((a, b) => a - b))
  }
})

test('a process, and Redis, has one fault at a time beside those of its network', () => {
  const { faults } = PLAN
  const lanes = new Map<string, number>()
  for (const { kind, slots, atMs, lastsMs } of faults) {
    if (FAULT_KINDS[kind].lane === 'network' || kind === 'redis-rewrite') continue
    const lane = slots[0] ?? 'redis'
    expect(atMs).toBeGreaterThanOrEqual(lanes.get(lane) ?? 0)
    lanes.set(lane, atMs + lastsMs)
  }
  expect([...lanes.keys()].sort()).toEqual(['api-1', 'api-2', 'redis', 'worker-1', 'worker-2', 'worker-3'])
})

test('every timer of a plan stands at its index, and of each kind of life there are many', () => {
  const { creates, keys, batches, sweeps } = PLAN
  expect(creates.map(({ index }) => index)).toEqual(creates.map((_, index) => index))
  const grouped = [...keys.map(({ index }) => index), ...batches.flatMap(({ indexes }) => indexes)]
  expect(new Set(grouped).size).toBe(grouped.length)
  expect(grouped.every((index) => creates[index]?.life === undefined)).toBe(true)
  const wishes = creates.flatMap(({ life }) => life?.steps.flatMap((step) => step.wishes) ?? [])
  for (const kind of ['cancel', 'content', 'time', 'both', 'fire'])
    expect(wishes.filter((wish) => wish.kind === kind).length).toBeGreaterThan(500)
  expect(creates.filter(({ life }) => (life?.sameCreates ?? 0) > 1).length).toBeGreaterThan(1_000)
  expect(creates.filter(({ life }) => life?.expiresIn !== undefined).length).toBeGreaterThan(1_000)
  expect(creates.filter(({ life }) => life?.callback).length).toBeGreaterThan(3_000)
  for (const list of [keys, batches, sweeps]) expect(list.length).toBeGreaterThan(50)
})
