import { percentile, ratioOf, spreadOf } from './statistics.ts'

describe('spreadOf', () => {
  test.each([
    [[3], { median: 3, min: 3, max: 3 }],
    [[9, 1, 5], { median: 5, min: 1, max: 9 }],
    [[4, 1, 2, 10], { median: 3, min: 1, max: 10 }],
    [[100, 9], { median: 54.5, min: 9, max: 100 }],
  ])('%j', (values, expected) => {
    expect(spreadOf(values)).toEqual(expected)
  })

  test('nothing has no spread', () => {
    expect(() => spreadOf([])).toThrow('nothing was measured')
  })
})

describe('ratioOf', () => {
  test('holds each repeat against its own reference', () => {
    // Of the medians it would be 2 / 2 = 1.
    expect(ratioOf([1, 2, 30], [2, 1, 10])).toEqual({ median: 2, min: 0.5, max: 3 })
  })

  test('refuses lists of different lengths', () => {
    expect(() => ratioOf([1, 2], [1])).toThrow(RangeError)
  })
})

describe('percentile', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index)
  test.each([
    [0.5, 50],
    [0.99, 99],
    [0.07, 7],
    [1, 100],
    [0.001, 1],
  ])('%d of 1 to 100 is %d', (share, expected) => {
    expect(percentile(hundred, share)).toBe(expected)
  })

  test('of one value is that value', () => {
    expect(percentile([7], 0.99)).toBe(7)
  })

  test('sorts by size, not by text', () => {
    expect(percentile([10, 9, 100], 0.5)).toBe(10)
  })
})
