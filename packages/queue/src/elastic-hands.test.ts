import { jest } from '@jest/globals'
import { ElasticHands } from './elastic-hands.ts'

describe('ElasticHands', () => {
  beforeEach(() => {
    jest.useFakeTimers()
  })
  afterEach(() => {
    jest.useRealTimers()
  })

  test('a hand that only waits for a receiver makes room for another, and takes it back', () => {
    const limits: number[] = []
    const hands = new ElasticHands(2, 10, (limit) => limits.push(limit))
    expect(hands.limit).toBe(2)
    const hand = hands.take()
    hand.sending()
    jest.advanceTimersByTime(99)
    expect(limits).toEqual([])
    jest.advanceTimersByTime(1)
    hand.done()
    expect(limits).toEqual([3, 2])
  })

  test('a hand that has not sent yet is at work, however long: Redis being away takes no more timers', () => {
    const hands = new ElasticHands(2, 10, () => {})
    hands.take()
    jest.advanceTimersByTime(60_000)
    expect(hands.limit).toBe(2)
  })

  test('never more than the most', () => {
    const hands = new ElasticHands(2, 4, () => {})
    const taken = Array.from({ length: 4 }, () => hands.take())
    for (const hand of taken) hand.sending()
    jest.advanceTimersByTime(1_000)
    expect(hands.limit).toBe(4)
    for (const hand of taken) hand.done()
    expect(hands.limit).toBe(2)
    expect(new ElasticHands(100, 20, () => {}).limit).toBe(20)
  })

  test('an answer within a moment changes nothing', () => {
    const hands = new ElasticHands(2, 4, () => {
      throw new Error('changed')
    })
    const hand = hands.take()
    hand.sending()
    jest.advanceTimersByTime(50)
    hand.done()
    jest.advanceTimersByTime(1_000)
    expect(hands.limit).toBe(2)
  })
})
