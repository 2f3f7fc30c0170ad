import { parseOptions, UsageError } from './options.ts'

const KNOWN = ['creates', 'fires']

test('defaults: everything, five times, and the documents are written', () => {
  expect(parseOptions([], KNOWN)).toEqual({
    quick: false,
    only: [],
    repeats: 5,
    timers: 1_000_000,
    overdue: 100_000,
    json: 'data/bench.json',
    docs: true,
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

test.each([
  [['--only', 'fire'], 'creates, fires'],
  [['--repeats', '0'], '--repeats'],
  [['--repeats', 'many'], '--repeats'],
  [['--fast'], '--fast'],
])('%j is refused with what to write', (args, hint) => {
  expect(() => parseOptions(args, KNOWN)).toThrow(UsageError)
  expect(() => parseOptions(args, KNOWN)).toThrow(hint)
})
