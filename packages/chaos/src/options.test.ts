import { ALL_FAULTS } from './fault-kinds.ts'
import { parseOptions, UsageError } from './options.ts'

test('ten minutes with every fault, unless told otherwise', () => {
  expect(parseOptions(['--seed', 'x'])).toEqual({
    seed: 'x',
    minutes: 10,
    ratePerSecond: 25,
    faults: ALL_FAULTS,
    out: 'chaos-reports/x',
    keepLogs: false,
  })
  expect(parseOptions([])?.seed).not.toBe(parseOptions([])?.seed)
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
  [['--what']],
  [['stray']],
])('%j is refused', (args) => {
  expect(() => parseOptions(args)).toThrow(UsageError)
})
