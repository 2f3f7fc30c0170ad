import { faultsOn } from './fault-kinds.ts'
import { parseOptions, UsageError } from './options.ts'

test('ten minutes with every fault, unless told otherwise', () => {
  expect(parseOptions(['--seed', 'x'])).toEqual({
    seed: 'x',
    minutes: 10,
    ratePerSecond: 25,
    redis: 'single',
    replicas: 0,
    acks: 0,
    faults: faultsOn('single'),
    out: 'chaos-reports/x',
    keepLogs: false,
  })
  expect(parseOptions([])?.seed).not.toBe(parseOptions([])?.seed)
})

test('a cluster has a replica of each primary, and waits for all replicas, unless told otherwise', () => {
  const of = (...args: string[]) => parseOptions(['--redis', ...args])
  expect(of('cluster')).toMatchObject({ redis: 'cluster', replicas: 1, acks: 1, faults: faultsOn('cluster') })
  expect(of('sentinel', '--replicas', '2')).toMatchObject({ replicas: 2, acks: 2 })
  expect(of('cluster', '--acks', '0')).toMatchObject({ replicas: 1, acks: 0 })
})

test('faults in any order make the same plan', () => {
  expect(parseOptions(['--faults', 'redis-kill, api-kill'])?.faults).toEqual(['api-kill', 'redis-kill'])
  expect(parseOptions(['--faults', 'none'])?.faults).toEqual([])
})

test.each([
  [['--minutes', 'ten']],
  [['--minutes', '0']],
  [['--rate', '']],
  [['--faults', 'api-kill,meteor']],
  [['--seed', '../../etc']],
  [['--redis', 'dragon']],
  [['--redis', 'cluster', '--replicas', '3']],
  [['--redis', 'cluster', '--acks', '2']],
  [['--redis', 'cluster', '--acks', '0.5']],
  [['--acks', '1']],
  [['--faults', 'slots-move']],
  [['--redis', 'sentinel', '--faults', 'failover,slots-move']],
  [['--what']],
  [['stray']],
])('%j is refused', (args) => {
  expect(() => parseOptions(args)).toThrow(UsageError)
})
