import { jest } from '@jest/globals'
import { gateOf } from '../../test/gate-bed.ts'
import { type Behaviour, onFakeClock, Visitors, within } from '../../test/gate-receiver.ts'
import type { ReceiverGate } from './receiver-gate.ts'

const TEN_HOURS_MS = 36_000_000
const slowly = within(500)
const down: Behaviour = () => ({ tookMs: 1, answered: false })
/** What a receiver takes that answers after half a second, twenty at a time. */
const PER_SECOND = 40

/** docs/adr/0010-after-a-downtime.md */
describe('ReceiverGate, after a downtime', () => {
  let gate: ReceiverGate
  let visitors: Visitors

  beforeEach(() => {
    jest.useFakeTimers({ now: 100_000_000 })
    gate = gateOf(20, 2_000)
    visitors = new Visitors(gate)
  })
  afterEach(() => {
    gate.close()
    jest.useRealTimers()
  })

  const slow = 'http://slow.example/hook'
  const pass = async (seconds: number, each: (second: number) => void = () => {}) => {
    for (let second = 0; second < seconds; second += 1) {
      each(second)
      await jest.advanceTimersByTimeAsync(1_000)
    }
  }
  /** As many as that wait for the slow receiver, ten hours late; how many of them went through. */
  const backlogOf = (count: number) => {
    const done = { count: 0 }
    const dueAt = Date.now() - TEN_HOURS_MS
    for (let index = 0; index < count; index += 1) {
      const sent = () => {
        done.count += 1
      }
      visitors.come(slow, slowly, sent, dueAt)
    }
    return done
  }

  test('a backlog was taken and put back whole every minute', async () => {
    const done = backlogOf(20_000)
    await pass(660)
    expect(done.count).toBe(20_000)
    // Three times each or so, however many there are; once a minute would be more than a hundred thousand times.
    expect(visitors.asked).toBeLessThan(75_000)
  })

  test('what is due now finds its place beside a backlog for the same receiver, which goes on', async () => {
    const done = backlogOf(10_000)
    await pass(10)
    const before = done.count
    const waits: number[] = []
    const again = () => visitors.come(slow, slowly, (waitedMs) => waits.push(waitedMs))
    await pass(60, () => {
      for (let time = 0; time < 5; time += 1) onFakeClock(time * 200, again)
    })
    expect(waits.length).toBeGreaterThan(290)
    const sorted = waits.toSorted((a, b) => a - b)
    expect(sorted[Math.floor(waits.length / 2)]).toBeLessThan(300)
    expect(sorted[Math.floor(waits.length * 0.99)]).toBeLessThan(3_000)
    // All but the five new ones a second, and a tenth that is kept free for them.
    expect(done.count - before).toBeGreaterThan(0.75 * (PER_SECOND - 5) * 60)
  })

  test('nobody starves: with more new ones than a receiver takes, the backlog has half of it', async () => {
    const done = backlogOf(5_000)
    let news = 0
    const comeNew = () =>
      visitors.come(slow, slowly, () => {
        news += 1
      })
    await pass(120, () => {
      for (let time = 0; time < 2 * PER_SECOND; time += 1) {
        onFakeClock((time * 1_000) / (2 * PER_SECOND), comeNew)
      }
    })
    expect(done.count).toBeGreaterThan(0.4 * PER_SECOND * 120)
    expect(news).toBeGreaterThan(0.4 * PER_SECOND * 120)
  })

  test('the backlogs of many receivers that are down were taken and put back whole every minute', async () => {
    const dueAt = Date.now() - TEN_HOURS_MS
    for (let index = 0; index < 80_000; index += 1) {
      visitors.come(`http://down${index % 80}.example/hook`, down, () => {}, dueAt)
    }
    await pass(60)
    visitors.asked = 0
    await pass(60)
    expect(visitors.asked).toBeLessThan(60 * 1_100)
    // Two minutes of eighty thousand timers are some seconds of the processor.
  }, 60_000)
})
