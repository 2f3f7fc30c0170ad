import { jest } from '@jest/globals'
import { gateOf } from '../../test/gate-bed.ts'
import { type Behaviour, silently, Visitors, within } from '../../test/gate-receiver.ts'
import type { ReceiverGate } from './receiver-gate.ts'

const URL = 'https://a.example/hook'

/** docs/adr/0006-origin-gate.md */
describe('ReceiverGate, after a hiccup of a receiver', () => {
  let gate: ReceiverGate
  let visitors: Visitors
  let behave: Behaviour
  let sentAt: number[]

  beforeEach(() => {
    jest.useFakeTimers({ now: 100_000_000 })
    gate = gateOf(20)
    visitors = new Visitors(gate)
    sentAt = []
  })
  afterEach(() => {
    gate.close()
    jest.useRealTimers()
  })

  const come = (count: number, dueAt?: number) => {
    for (let index = 0; index < count; index += 1) {
      visitors.come(
        URL,
        () => behave(),
        () => sentAt.push(Date.now()),
        dueAt,
      )
    }
  }
  /** Comes at that rate while the receiver behaves so. */
  const meanwhile = async (seconds: number, perSecond: number, how: Behaviour) => {
    behave = how
    for (let second = 0; second < seconds; second += 1) {
      come(perSecond)
      await jest.advanceTimersByTimeAsync(1_000)
    }
  }
  const untilNextIsSent = async () => {
    const before = sentAt.length
    while (sentAt.length === before) await jest.advanceTimersByTimeAsync(10)
  }

  test.each([
    ['slow', within(5_000)],
    [
      'slow, for some of its requests to the end',
      (() => {
        let turn = 0
        return () => {
          turn += 1
          return turn % 10 === 0 ? silently() : within(4_000)()
        }
      })(),
    ],
    ['silent', silently],
  ])('a backlog waited for turns at the slow pace, up to a minute: the receiver was %s', async (_, how) => {
    await meanwhile(2, 10, within(5))
    await meanwhile(30, 10, how)
    expect(sentAt.length).toBeLessThan(250)
    behave = within(5)
    await untilNextIsSent()
    await jest.advanceTimersByTimeAsync(2_000)
    expect(sentAt).toHaveLength(320)
  })

  test('a receiver that this worker has never seen answer was waited for like a silent one after its first answer', async () => {
    await meanwhile(30, 10, silently)
    behave = within(5)
    await untilNextIsSent()
    await jest.advanceTimersByTimeAsync(2_000)
    expect(sentAt).toHaveLength(300)
  })

  test('a receiver that keeps its pace calls nobody back, however long its backlog is', async () => {
    behave = within(500)
    come(5_000, Date.now() - 36_000_000)
    await jest.advanceTimersByTimeAsync(60_000)
    expect(visitors.recalled).toBeLessThan(100)
  })

  test('a receiver that is quick and slow in turn costs no more than a few commands for each answer', async () => {
    for (let time = 0; time < 20; time += 1) {
      await meanwhile(4, 60, within(2_000))
      await meanwhile(2, 60, within(5))
    }
    expect(visitors.recalled).toBeLessThan(2 * sentAt.length)
    expect(visitors.asked).toBeLessThan(3 * sentAt.length)
  })

  test('ten thousand that wait are not all remembered, and all are sent', async () => {
    await meanwhile(2, 10, within(5))
    behave = within(5_000)
    come(10_000)
    await jest.advanceTimersByTimeAsync(20_000)
    behave = within(5)
    await jest.advanceTimersByTimeAsync(70_000)
    expect(sentAt).toHaveLength(10_020)
    expect(gate.remembered).toBe(0)
  })
})
