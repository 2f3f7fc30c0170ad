import { burstResult, latenessOf } from './burst.ts'

const arrivals = { ids: Float64Array.of(2, 1, 3), at: Float64Array.of(1_004, 1_010, 1_101) }
const due = new Map([
  [1, 1_000],
  [2, 1_001],
  [3, 1_001],
])

test('lateness is arrival minus due time, for each timer its own', () => {
  expect(latenessOf(arrivals, due)).toEqual([3, 10, 100])
})

test('a burst runs from the earliest due time to the last arrival', () => {
  const result = burstResult(arrivals, due, { worker: 5 })
  expect(result).toMatchObject({ firstMs: 4, p50Ms: 10, p99Ms: 100, maxMs: 100, processorUs: { worker: 5 } })
  expect(result.perSecond).toBeCloseTo((3 / 101) * 1_000)
})

test.each([
  ['early', new Map([...due, [3, 1_102]]), 'timer 3 arrived -1 ms'],
  ['unknown', new Map([[1, 1_000]]), 'timer 2 arrived NaN ms'],
])('what is %s is no figure but a fault', (_name, dueById, message) => {
  expect(() => latenessOf(arrivals, dueById)).toThrow(message)
})
