import { ALL_FAULTS, FAULT_KINDS } from './fault-kinds.ts'
import { makePlan, type PlanSettings } from './plan.ts'

const SETTINGS: PlanSettings = { seed: 'a', minutes: 10, ratePerSecond: 25, faults: ALL_FAULTS }

test('a plan follows from the seed alone', () => {
  expect(makePlan(SETTINGS)).toEqual(makePlan(SETTINGS))
  expect(makePlan(SETTINGS)).not.toEqual(makePlan({ ...SETTINGS, seed: 'b' }))
})

test('leaving faults out changes nothing else', () => {
  const [all, some] = [makePlan(SETTINGS), makePlan({ ...SETTINGS, faults: ['api-kill', 'worker-kill'] })]
  expect(some.creates).toEqual(all.creates)
  expect(some.closings).toEqual(all.closings)
  expect(new Set(some.faults.map(({ kind }) => kind))).toEqual(new Set(['api-kill', 'worker-kill']))
})

test('ten minutes see every fault, some of them at the same time, and end in peace', () => {
  const { faults, closings, loadMs } = makePlan(SETTINGS)
  expect(new Set(faults.map(({ kind }) => kind))).toEqual(new Set(ALL_FAULTS))
  const overlaps = faults.filter(
    ({ atMs, lastsMs }) =>
      faults.filter((other) => other.atMs > atMs && other.atMs < atMs + lastsMs).length > 0,
  )
  expect(overlaps.length).toBeGreaterThan(faults.length / 4)
  const ends = [...faults, ...closings].map(({ atMs, lastsMs }) => atMs + lastsMs)
  expect(Math.max(...ends)).toBeLessThan(loadMs - 10_000)
})

test('everything is in the order of its time', () => {
  for (const list of [makePlan(SETTINGS).faults, makePlan(SETTINGS).closings, makePlan(SETTINGS).creates]) {
    const times = list.map(({ atMs }) => atMs)
    expect(times).toEqual([...times].sort((a, b) => a - b))
  }
})

test('a process, and Redis, has one fault at a time beside those of its network', () => {
  const { faults } = makePlan(SETTINGS)
  const lanes = new Map<string, number>()
  for (const { kind, slots, atMs, lastsMs } of faults) {
    if (FAULT_KINDS[kind].lane === 'network' || kind === 'redis-rewrite') continue
    const lane = slots[0] ?? 'redis'
    expect(atMs).toBeGreaterThanOrEqual(lanes.get(lane) ?? 0)
    lanes.set(lane, atMs + lastsMs)
  }
  expect([...lanes.keys()].sort()).toEqual(['api-1', 'api-2', 'redis', 'worker-1', 'worker-2', 'worker-3'])
})
