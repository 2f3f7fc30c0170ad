import type { AttemptView } from '@timers/lab'
import type { FaultRun } from './broken.ts'
import { type Circumstances, Explanations } from './explanation.ts'
import type { Behaviour, PlannedCreate } from './load-plan.ts'

const AT = Date.UTC(2026, 0, 1)

function fault(kind: FaultRun['kind'], from: number, to: number, more: Partial<FaultRun> = {}): FaultRun {
  return { kind, slots: ['worker-1'], from: AT + from, to: AT + to, ...more }
}

/** Whether what was broken explains an attempt at `AT`. */
function explains(outcome: string, broken: Partial<Circumstances> & { behaviour?: Behaviour } = {}): boolean {
  const { behaviour = 'fast', ...rest } = broken
  const creates = [{ behaviour, door: 0 } as PlannedCreate]
  const reasons = new Explanations({
    faults: [],
    closings: [],
    standstills: [],
    creates,
    webhookTimeoutMs: 4_000,
    ...rest,
  })
  const attempt: AttemptView = { attempt: 1, at: new Date(AT).toISOString(), outcome }
  const creation = { key: 'c0-0', mode: 'at_most_once', acknowledged: { id: 1, dueAt: AT } } as const
  return reasons.of(attempt, { ...creation, expiresInMs: 2_000 }) !== undefined
}

const away = fault('redis-kill', 1_000, 29_000, { slots: [] })
const stop = fault('worker-stop', 100, 9_000)
const shut = (door: number) => ({
  behaviour: 'refuse' as const,
  closings: [{ door, from: AT - 100, to: AT + 500 }],
})

test.each<[string, string, Parameters<typeof explains>[1]]>([
  ['ambiguous', 'a receiver that resets', { behaviour: 'reset' }],
  ['ambiguous', 'a worker that was stopped', { faults: [stop] }],
  ['interrupted', 'a worker that was killed after its claim', { faults: [fault('worker-kill', 50, 2_000)] }],
  [
    'interrupted',
    'a kill long after it, Redis away in between',
    { faults: [fault('worker-kill', 30_000, 31_000), away] },
  ],
  [
    'interrupted',
    'a stop in order that was cut short',
    { faults: [fault('worker-term', 50, 12_000, { exitCode: 1 })] },
  ],
  ['never_sent', 'a closed door', shut(0)],
  ['ambiguous', 'a machine that had no time', { standstills: [{ from: AT + 100, to: AT + 4_000 }] }],
  ['rejected', 'a receiver that answers 500', { behaviour: 'error' }],
  ['expired', 'Redis away at its time', { faults: [away] }],
  ['expired', 'a receiver that is not always there', { behaviour: 'refuse' }],
])('%s is explained by %s', (outcome, _why, broken) => {
  expect(explains(outcome, broken)).toBe(true)
})

/** Done to the node that has these shards, of two. */
const failover = (from: number, to: number, shards: readonly number[]) => ({
  shardOf: (id: number) => (id - 1) % 2,
  faults: [fault('primary-lost', from, to, { slots: [], shards })],
})

test.each<[string, string, Parameters<typeof explains>[1]]>([
  ['interrupted', 'a failover of its node while it was in flight', failover(3_000, 9_000, [0])],
])('%s is explained by %s', (outcome, _why, broken) => {
  expect(explains(outcome, broken)).toBe(true)
})

test.each<[string, string, Parameters<typeof explains>[1]]>([
  ['interrupted', 'a failover of another node', failover(3_000, 9_000, [1])],
  [
    'interrupted',
    'a fault that takes no outcome with it, where nobody knows its shard',
    { ...failover(3_000, 9_000, []), shardOf: () => undefined },
  ],
  ['interrupted', 'a failover long after', failover(30_000, 39_000, [0])],
  ['interrupted', 'a failover before', failover(-9_000, -3_000, [0])],
  ['ambiguous', 'a failover: what a receiver answers does not depend on it', failover(100, 9_000, [0])],
  ['ambiguous', 'nothing', {}],
  ['interrupted', 'a kill before the claim', { faults: [fault('worker-kill', -9_000, -8_000)] }],
  ['interrupted', 'a kill long after the claim', { faults: [fault('worker-kill', 60_000, 61_000)] }],
  ['interrupted', 'Redis alone', { faults: [fault('net-drop', 0, 9_000)] }],
  ['interrupted', 'a stop in order', { faults: [fault('worker-term', 50, 2_000, { exitCode: 0 })] }],
  ['never_sent', 'another door', shut(1)],
  ['rejected', 'a receiver that answers 200', {}],
  ['expired', 'nothing', {}],
  ['rejected', 'a machine that had no time', { standstills: [{ from: AT, to: AT + 4_000 }] }],
  ['expired', 'what was broken after its time', { faults: [fault('redis-kill', 2_100, 9_000)] }],
])('%s is not explained by %s', (outcome, _why, broken) => {
  expect(explains(outcome, broken)).toBe(false)
})
