import { jest } from '@jest/globals'
import { Hands } from './hands.ts'

describe('hands', () => {
  beforeEach(() => {
    jest.useFakeTimers()
  })
  afterEach(() => {
    jest.useRealTimers()
  })

  /** Takes a hand whose request leaves at once; tells whether it has made room. */
  function send(hands: Hands) {
    const hand = hands.take()
    const told = { room: false, done: () => hand.done() }
    hand.sending(() => {
      told.room = true
    })
    return told
  }

  test.each([
    [2_000, 1, [25, 25, 25, 25]],
    [6, 1, [2, 2, 1, 1]],
    [1, 1, [1]],
    [500, 2, [25, 25]],
    [20, 8, [13]],
  ])('%i, where there are %i shards, work as %j', (total, shards, perWorker) => {
    expect(new Hands(total, shards).perWorker).toEqual(perWorker)
  })

  test('are shared out among shards, as even as can be', () => {
    expect(Hands.shareOut(10, 3).map(({ total }) => total)).toEqual([4, 3, 3])
  })

  test('one that only waits for a receiver makes room for another, after a moment', () => {
    const hands = new Hands(2_000, 1)
    const hand = send(hands)
    jest.advanceTimersByTime(99)
    expect(hand.room).toBe(false)
    jest.advanceTimersByTime(1)
    expect(hand.room).toBe(true)
    expect([hands.inFlight, hands.full]).toEqual([1, false])
  })

  test('one that has not sent yet is at work, however long: Redis being away takes no more timers', () => {
    const hands = new Hands(2_000, 1)
    for (let count = 0; count < 100; count += 1) hands.take()
    jest.advanceTimersByTime(60_000)
    expect(hands.full).toBe(true)
  })

  test('an answer within a moment makes no room', () => {
    const hands = new Hands(2_000, 1)
    const hand = send(hands)
    jest.advanceTimersByTime(50)
    hand.done()
    jest.advanceTimersByTime(1_000)
    expect(hand.room).toBe(false)
    expect(hands.inFlight).toBe(0)
  })

  test('never more than there are: those that wait hold on to their place until one is done', () => {
    const hands = new Hands(103, 1)
    const sent = Array.from({ length: 5 }, () => send(hands))
    jest.advanceTimersByTime(100)
    expect(sent.map(({ room }) => room)).toEqual([true, true, true, false, false])
    sent[0]?.done()
    expect(sent.map(({ room }) => room)).toEqual([true, true, true, true, false])
    // One that is done while it stands in line leaves the line.
    sent[4]?.done()
    sent[1]?.done()
    expect(sent[4]?.room).toBe(false)
  })
})
