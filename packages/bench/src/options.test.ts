import { parseOptions, UsageError } from './options.ts'

const KNOWN = ['creates', 'fires', 'beside']

test('defaults: everything, five times, and the documents are written', () => {
  expect(parseOptions([], KNOWN)).toEqual({
    quick: false,
    only: [],
    repeats: 5,
    timers: 1_000_000,
    overdue: 100_000,
    json: 'data/bench.json',
    docs: true,
    scale: false,
    beside: undefined,
  })
})

test('a part of a run is not published', () => {
  expect(parseOptions(['--only', 'fires'], KNOWN)).toMatchObject({ only: ['fires'], docs: false })
  expect(parseOptions(['--quick'], KNOWN)).toMatchObject({ repeats: 1, docs: false })
  expect(parseOptions(['--timers', '1000'], KNOWN)).toMatchObject({ timers: 1_000, docs: false })
  expect(parseOptions(['--overdue', '1000'], KNOWN)).toMatchObject({ overdue: 1_000, docs: false })
})

test('unless it is asked for', () => {
  expect(parseOptions(['--only', 'fires', '--docs'], KNOWN).docs).toBe(true)
})

test('what the plan is made of is measured three times, and is not a whole run', () => {
  expect(parseOptions(['--scale'], KNOWN)).toMatchObject({
    only: ['cluster', 'idle', 'moves'],
    repeats: 3,
    scale: true,
    docs: false,
  })
})

test('another commit is compared with, and nothing else is measured', () => {
  expect(parseOptions(['--beside', '../other'], KNOWN)).toMatchObject({
    only: ['beside'],
    beside: '../other',
    docs: false,
  })
})

test.each([
  [['--only', 'beside'], '--beside <path>'],
  [['--scale', '--quick'], '--scale'],
  [['--scale', '--only', 'fires'], '--scale'],
  [['--only', 'fire'], 'creates, fires, beside'],
  [['--repeats', '0'], '--repeats'],
  [['--repeats', 'many'], '--repeats'],
  [['--fast'], '--fast'],
])('%j is refused with what to write', (args, hint) => {
  expect(() => parseOptions(args, KNOWN)).toThrow(UsageError)
  expect(() => parseOptions(args, KNOWN)).toThrow(hint)
})
