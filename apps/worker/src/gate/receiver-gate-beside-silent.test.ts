import { jest } from '@jest/globals'
import { gateOf, isPass, passes } from '../../test/gate-bed.ts'
import { onFakeClock } from '../../test/gate-receiver.ts'
import type { ReceiverGate } from './receiver-gate.ts'

describe('ReceiverGate, beside receivers that never answer', () => {
  beforeEach(() => {
    jest.useFakeTimers({ now: 1_000_000 })
  })
  afterEach(() => {
    jest.useRealTimers()
  })

  /** As many timers as there are receivers, asking again when their turn comes, for some seconds. */
  const besiege = (gate: ReceiverGate, urlOf: (index: number) => string, count: number, seconds: number) => {
    let asked = 0
    const ask = (url: string) => {
      asked += 1
      const admission = gate.enter(url)
      if (isPass(admission)) admission.sending()
      else if (!(admission instanceof Promise)) onFakeClock(admission.until - Date.now(), () => ask(url))
    }
    for (let index = 0; index < count; index += 1) ask(urlOf(index))
    const atOnce = gate.inFlight
    jest.advanceTimersByTime(seconds * 1_000)
    return { asked, atOnce }
  }

  test('ten thousand silent hosts start step by step, and leave a quarter of the hands', () => {
    const gate = gateOf(20, 2_000)
    const { atOnce, asked } = besiege(gate, (index) => `http://h${index}.example`, 10_000, 14)
    expect(atOnce).toBeLessThanOrEqual(25)
    expect(gate.newcomersInFlight).toBeLessThanOrEqual(1_500)
    expect(gate.newcomersInFlight).toBeGreaterThan(1_000)
    // Bounded work: taking one and putting it back costs Redis some 0.1 ms.
    expect(asked).toBeLessThan(10_000 + 14 * 600)
    gate.close()
  })

  test('silent ports of one host are one receiver, two thousand of them too; beside these, first requests step by step', () => {
    const gate = gateOf(20, 2_000)
    const { asked } = besiege(gate, (index) => `http://a.example:${1 + index}`, 2_000, 14)
    expect(gate.inFlight).toBeGreaterThanOrEqual(20)
    expect(gate.inFlight).toBeLessThanOrEqual(20 + 20)
    expect(asked).toBeLessThan(2_000 + 14 * 300)
    gate.close()
  })

  test('those of one host that wait in hand are few, and go back when nobody answers', async () => {
    const gate = gateOf(20, 2_000)
    const asked = Array.from({ length: 2_000 }, (_, index) => gate.enter(`http://a.example:${1 + index}`))
    const parked = asked.filter((admission) => admission instanceof Promise)
    // As many as may be in flight, and five that may be let through as first requests.
    expect(parked.length).toBeLessThanOrEqual(20 + 5)
    for (const admission of asked) if (isPass(admission)) admission.sending()
    let deferred = 0
    for (const admission of parked) void admission.then(({ kind }) => (deferred += kind === 'defer' ? 1 : 0))
    await jest.advanceTimersByTimeAsync(150)
    expect(deferred).toBeGreaterThanOrEqual(parked.length - 5)
    await jest.advanceTimersByTimeAsync(2_000)
    await Promise.all(parked)
    gate.close()
  })

  test('a healthy port of that host goes on as before', () => {
    const gate = gateOf(20, 2_000)
    const healthy = 'http://a.example:9000'
    passes(gate, 1, healthy)[0]?.leave(true)
    besiege(gate, (index) => `http://a.example:${1 + index}`, 600, 5)
    expect(passes(gate, 20, healthy)).toHaveLength(20)
    gate.close()
  })

  test('healthy hosts go on as before, also when as many as can be are silent', () => {
    const gate = gateOf(20, 2_000)
    for (let index = 0; index < 20; index += 1)
      passes(gate, 1, `https://good${index}.example`)[0]?.leave(true)
    besiege(gate, (index) => `http://h${index}.example`, 5_000, 14)
    for (let index = 0; index < 20; index += 1) {
      expect(passes(gate, 20, `https://good${index}.example`)).toHaveLength(20)
    }
    gate.close()
  })

  test('a newcomer is let through at once beside a backlog of silent ones', () => {
    const gate = gateOf(20, 2_000)
    const letThrough: boolean[] = []
    besiege(gate, (index) => `http://h${index}.example`, 3_000, 1)
    for (let seconds = 1; seconds <= 12; seconds += 1) {
      letThrough.push(passes(gate, 1, `https://new${seconds}.example`).length === 1)
      jest.advanceTimersByTime(1_000)
    }
    expect(letThrough).toEqual(letThrough.map(() => true))
    gate.close()
  })

  test('a receiver that falls silent stops being healthy, and an answer makes it healthy again', () => {
    const gate = gateOf(20, 2_000)
    const [first] = passes(gate, 1)
    first?.leave(true)
    const waiting = passes(gate, 20)
    expect(gate.newcomersInFlight).toBe(0)
    jest.advanceTimersByTime(1_500)
    waiting.pop()?.leave(false)
    expect(passes(gate, 1)).toHaveLength(1)
    expect(gate.newcomersInFlight).toBe(1)
    for (const pass of waiting.splice(0, 18)) pass.leave(true)
    jest.advanceTimersByTime(10)
    for (const pass of passes(gate, 1)) pass.leave(true)
    passes(gate, 1)
    expect(gate.newcomersInFlight).toBe(1)
    gate.close()
  })
})
