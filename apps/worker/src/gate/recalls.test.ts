import { Recalls, type Waiting } from './recalls.ts'

const NOW = 1_000_000
const MINUTE = 60_000

describe('Recalls', () => {
  let called: [dueAt: number, at: number][]
  let room: { left: number }
  let recalls: Recalls

  beforeEach(() => {
    called = []
    room = { left: 1_500 }
    recalls = new Recalls(room)
  })

  const wait = (dueAt: number, other: Partial<Waiting> = {}) =>
    recalls.add(
      { dueAt, until: NOW + MINUTE, intervalMs: 500, recall: (at) => called.push([dueAt, at]), ...other },
      NOW,
    )

  test('calls those back first that have been due for longest, one after the other', () => {
    for (const dueAt of [5, 3, 9, 1, 7, 3]) wait(dueAt)
    expect(recalls.call(4, 1, NOW)).toBe(4)
    expect(called).toEqual([
      [1, NOW],
      [3, NOW + 1],
      [3, NOW + 2],
      [5, NOW + 3],
    ])
    expect(recalls.size).toBe(2)
  })

  test('calls no more than find room beside those that are on the way', () => {
    for (let dueAt = 0; dueAt < 10; dueAt += 1) wait(dueAt)
    expect(recalls.call(3, 1, NOW)).toBe(3)
    expect(recalls.call(3, 1, NOW)).toBe(0)
    recalls.came()
    expect(recalls.call(3, 1, NOW)).toBe(1)
    // Another worker may have taken them.
    expect(recalls.call(3, 1, NOW + 1_500)).toBe(3)
  })

  test('leaves those alone whose turn was planned at about this pace, and those that come soon', () => {
    wait(1, { intervalMs: 90 })
    wait(2, { until: NOW + 400 })
    wait(3)
    expect(recalls.call(10, 50, NOW)).toBe(1)
    expect(called).toEqual([[3, NOW]])
    expect(recalls.call(10, 50, NOW)).toBe(0)
  })

  test('remembers a thousand at most, and those whose turn has come no longer', () => {
    for (let dueAt = 0; dueAt < 1_200; dueAt += 1) wait(dueAt)
    expect(recalls.size).toBe(1_000)
    expect(room.left).toBe(500)
    recalls.add({ dueAt: 1, until: NOW + 2 * MINUTE, intervalMs: 500, recall() {} }, NOW + MINUTE)
    expect(recalls.size).toBe(1)
    expect(room.left).toBe(1_499)
    recalls.forget()
    expect(room.left).toBe(1_500)
  })
})
