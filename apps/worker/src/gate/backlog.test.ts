import { jest } from '@jest/globals'
import type { Admission, Log } from '@timers/core'
import { ReceiverGate } from './receiver-gate.ts'

const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} }
const TEN_HOURS_MS = 36_000_000
const SLOW_MS = 500
/** What a receiver takes that answers after half a second, twenty at a time. */
const PER_SECOND = 40

/** docs/adr/0010-after-a-downtime.md */
describe('ReceiverGate, after a downtime', () => {
  let gate: ReceiverGate
  let asked: number

  beforeEach(() => {
    jest.useFakeTimers({ now: 100_000_000 })
    gate = new ReceiverGate({ maxPerOrigin: 20, hands: 2_000, log: SILENT })
    asked = 0
  })
  afterEach(() => {
    gate.close()
    jest.useRealTimers()
  })

  /** Comes until it is let through, and is answered (or not) after half a second. Notes when it was let through. */
  const come = (url: string, dueAt: number, through: (waitedMs: number) => void, answers = true) => {
    const from = Date.now()
    const ask = () => {
      asked += 1
      const admission = gate.enter(url, dueAt)
      if (admission instanceof Promise) void admission.then(take)
      else take(admission)
    }
    const take = (admission: Admission) => {
      if (admission.kind === 'defer') {
        setTimeout(ask, admission.until - Date.now())
        return
      }
      admission.sending()
      through(Date.now() - from)
      setTimeout(() => admission.leave(answers), answers ? SLOW_MS : 1)
    }
    ask()
  }
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
      come(slow, dueAt, () => {
        done.count += 1
      })
    }
    return done
  }

  test('a backlog was taken and put back whole every minute', async () => {
    const done = backlogOf(20_000)
    await pass(660)
    expect(done.count).toBe(20_000)
    // Three times each or so, however many there are; once a minute would be more than a hundred thousand times.
    expect(asked).toBeLessThan(75_000)
  })

  test('what is due now finds its place beside a backlog for the same receiver, which goes on', async () => {
    const done = backlogOf(10_000)
    await pass(10)
    const before = done.count
    const waits: number[] = []
    const again = () => come(slow, Date.now(), (waitedMs) => waits.push(waitedMs))
    await pass(60, () => {
      for (let time = 0; time < 5; time += 1) setTimeout(again, time * 200)
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
    await pass(120, () => {
      for (let time = 0; time < 2 * PER_SECOND; time += 1) {
        setTimeout(
          () =>
            come(slow, Date.now(), () => {
              news += 1
            }),
          (time * 1_000) / (2 * PER_SECOND),
        )
      }
    })
    expect(done.count).toBeGreaterThan(0.4 * PER_SECOND * 120)
    expect(news).toBeGreaterThan(0.4 * PER_SECOND * 120)
  })

  test('the backlogs of many receivers that are down were taken and put back whole every minute', async () => {
    const dueAt = Date.now() - TEN_HOURS_MS
    for (let index = 0; index < 80_000; index += 1) {
      come(`http://down${index % 80}.example/hook`, dueAt, () => {}, false)
    }
    await pass(60)
    asked = 0
    await pass(60)
    expect(asked).toBeLessThan(60 * 1_100)
    // Two minutes of eighty thousand timers are some seconds of the processor.
  }, 60_000)
})
