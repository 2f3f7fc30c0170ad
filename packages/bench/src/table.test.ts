import { figure } from './figure.ts'
import { goalText, markdownTable, numberText, rowsOf, spreadText, textTable } from './table.ts'

test.each([
  [12_345.6, '12,346'],
  [421.4, '421'],
  [87.34, '87.3'],
  [10, '10'],
  [9.416, '9.42'],
  [1, '1'],
  [0.6144, '0.614'],
  [0.6, '0.6'],
  [0, '0'],
  [-3.5, '-3.5'],
])('%d is written %s', (value, text) => {
  expect(numberText(value)).toBe(text)
})

test('a spread of one value needs no range', () => {
  expect(spreadText({ median: 2, min: 2, max: 2 })).toBe('2')
  expect(spreadText({ median: 2, min: 1, max: 3 })).toBe('2 (1 to 3)')
})

test.each([
  [{ on: 'value', atMost: 500 }, '<= 500'],
  [{ on: 'ratio', atLeast: 0.6 }, 'ratio >= 0.6'],
] as const)('goal %j', (goal, text) => {
  expect(goalText(goal)).toBe(text)
})

const rows = rowsOf([
  figure({ what: 'first fire', unit: 'ms', values: [9, 4, 5], goal: { on: 'value', atMost: 10 } }),
  figure({ what: 'creates', unit: '/s', values: [50], reference: { what: 'raw', values: [100] } }),
])

test('figures become rows', () => {
  expect(rows.slice(1)).toEqual([
    ['first fire', '5 (4 to 9) ms', '-', '-', '<= 10', 'pass'],
    ['creates', '50 /s', 'raw: 100', '0.5', 'reported', ''],
  ])
})

test('a text table has its columns under each other', () => {
  const lines = textTable(rows).split('\n')
  expect(lines).toHaveLength(4)
  expect(lines[2]?.indexOf('5 (4')).toBe(lines[3]?.indexOf('50 /s'))
  expect(lines.every((line) => line === line.trimEnd())).toBe(true)
})

test('a Markdown table escapes what would end a cell', () => {
  expect(
    markdownTable([
      ['a', 'b'],
      ['x|y', 'z'],
    ]),
  ).toBe('| a | b |\n| --- | --- |\n| x\\|y | z |')
})
