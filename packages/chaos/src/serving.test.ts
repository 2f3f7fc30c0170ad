import type { FaultRun } from './broken.ts'
import { unservedBy } from './serving.ts'

const redis = { unservedMs: () => 400 }
const fault = (kind: FaultRun['kind'], from: number, to: number): FaultRun => ({ kind, slots: [], from, to })

test.each<[string, FaultRun[], number | undefined]>([
  ['nothing', [], 400],
  ['a node', [fault('primary-lost', 100_000, 105_000)], 400],
  ['an API', [fault('api-kill', 100_000, 105_000)], 400],
  ['a worker meanwhile', [fault('worker-kill', 100_000, 105_000)], undefined],
  ['a worker shortly before: its timers are handed on', [fault('worker-kill', 80_000, 90_000)], undefined],
  ['a worker long before', [fault('worker-kill', 10_000, 20_000)], 400],
  ['a worker after it', [fault('worker-kill', 105_000, 109_000)], 400],
  ['the network of a process', [fault('net-delay', 90_000, 101_000)], undefined],
])('whoever breaks %s is asked how late a timer may be', (_what, faults, ms) => {
  expect(unservedBy(redis, faults, [])(1, 100_000, 104_000)).toBe(ms)
})

test('nobody says how late a timer may be beside a crowd of silent receivers', () => {
  expect(unservedBy(redis, [], [{ from: 95_000, to: 99_000 }])(1, 100_000, 104_000)).toBeUndefined()
})
