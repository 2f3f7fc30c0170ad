import { figure, verdictOf } from './figure.ts'

const base = { what: 'creates', unit: '/s', values: [6, 7, 8] }

describe('verdictOf', () => {
  test.each([
    ['no goal', base, 'reported'],
    ['at most, reached exactly', { ...base, goal: { on: 'value', atMost: 7 } }, 'pass'],
    ['at most, missed', { ...base, goal: { on: 'value', atMost: 6.9 } }, 'miss'],
    ['at least, reached', { ...base, goal: { on: 'value', atLeast: 7 } }, 'pass'],
    [
      'a ratio, by its median and not by its best repeat',
      { ...base, reference: { what: 'raw', values: [10, 10, 10] }, goal: { on: 'ratio', atLeast: 0.75 } },
      'miss',
    ],
  ] as const)('%s', (_name, input, expected) => {
    expect(verdictOf(figure(input))).toBe(expected)
  })

  test('a goal on a ratio needs a reference', () => {
    expect(() => verdictOf(figure({ ...base, goal: { on: 'ratio', atLeast: 1 } }))).toThrow(
      'needs a reference',
    )
  })
})
