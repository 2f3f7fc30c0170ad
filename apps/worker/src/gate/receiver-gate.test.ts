import { jest } from '@jest/globals'
import type { Log } from '@timers/core'
import { gateOf, isPass, ORIGIN, passes, SILENT } from '../../test/gate-bed.ts'

describe('ReceiverGate', () => {
  beforeEach(() => {
    jest.useFakeTimers({ now: 1_000_000 })
  })
  afterEach(() => {
    jest.useRealTimers()
  })

  test('lets as many through as the cap allows, and other origins beside them', () => {
    const gate = gateOf(3)
    expect(passes(gate, 5)).toHaveLength(3)
    expect(passes(gate, 5, 'https://b.example')).toHaveLength(3)
    gate.close()
  })

  test('parks what exceeds the cap of an origin that answers quickly, first come first served', async () => {
    const gate = gateOf(1)
    passes(gate, 1)[0]?.leave(true)
    const [first] = passes(gate, 1)
    const order: string[] = []
    const second = Promise.resolve(gate.enter(ORIGIN)).then((admission) => {
      order.push('second')
      return admission
    })
    const third = Promise.resolve(gate.enter(ORIGIN)).then(() => order.push('third'))
    jest.advanceTimersByTime(5)
    first?.leave(true)
    const admission = await second
    expect(admission.kind).toBe('go')
    if (admission.kind === 'go') admission.leave(true)
    await third
    expect(order).toEqual(['second', 'third'])
    gate.close()
  })

  test('defers those parked as soon as the origin turns out to be slow', async () => {
    const gate = gateOf(2)
    passes(gate, 2)
    const waiting = Promise.all(Array.from({ length: 6 }, () => gate.enter(ORIGIN)))
    jest.advanceTimersByTime(150)
    for (const admission of await waiting) expect(admission.kind).toBe('defer')
    gate.close()
  })

  test('defers at once when the origin is known to be slow, one turn after the other', () => {
    const gate = gateOf(2)
    const [first] = passes(gate, 2)
    jest.advanceTimersByTime(1_000)
    first?.leave(true)
    passes(gate, 1)
    const now = Date.now()
    const turns = Array.from({ length: 4 }, () => gate.enter(ORIGIN)).map((admission) =>
      admission instanceof Promise || admission.kind === 'go' ? Number.NaN : admission.until - now,
    )
    // Two at a time, a second each: a turn every half second, none before a quarter of a second.
    expect(turns).toEqual([750, 1_250, 1_750, 2_250])
    gate.close()
  })

  test('no turn lies further away than a minute', () => {
    const gate = gateOf(1)
    passes(gate, 1)
    jest.advanceTimersByTime(15_000)
    const now = Date.now()
    const turns = Array.from({ length: 100 }, () => gate.enter(ORIGIN))
    for (const turn of turns) {
      expect(turn).toMatchObject({ kind: 'defer' })
      expect((turn as { until: number }).until - now).toBeLessThanOrEqual(60_000)
    }
    gate.close()
  })

  test('an open circuit defers, and an answer to the probe closes it', () => {
    const gate = gateOf(20)
    for (const pass of passes(gate, 10)) pass.leave(false)
    expect(gate.enter(ORIGIN)).toMatchObject({ kind: 'defer' })
    jest.advanceTimersByTime(5_000)
    const probe = gate.enter(ORIGIN)
    expect(gate.enter(ORIGIN)).toMatchObject({ kind: 'defer' })
    if (isPass(probe)) {
      probe.sending()
      probe.leave(true)
    }
    expect(passes(gate, 3)).toHaveLength(3)
    gate.close()
  })

  test('what was not sent neither counts as an answer nor as a failure', () => {
    const gate = gateOf(1)
    for (let time = 0; time < 20; time += 1) passes(gate, 1)[0]?.leave(undefined)
    expect(passes(gate, 1)).toHaveLength(1)
    gate.close()
  })

  test("time that passes before the request leaves is not the receiver's: an outage of Redis put off healthy ones", () => {
    const gate = gateOf(1)
    const claiming = gate.enter(ORIGIN)
    jest.advanceTimersByTime(7_000)
    const next = gate.enter(ORIGIN)
    expect(next).toBeInstanceOf(Promise)
    if (isPass(claiming)) {
      claiming.sending()
      jest.advanceTimersByTime(5)
      claiming.leave(true)
    }
    expect(isPass(gate.enter('https://b.example'))).toBe(true)
    return expect(next).resolves.toMatchObject({ kind: 'go' })
  })

  test('an origin that is quick again is soon taken for quick', () => {
    const gate = gateOf(1)
    const answerIn = (ms: number) => {
      const [pass] = passes(gate, 1)
      jest.advanceTimersByTime(ms)
      pass?.leave(true)
    }
    answerIn(10_000)
    for (let time = 0; time < 10; time += 1) answerIn(5)
    passes(gate, 1)
    expect(gate.enter(ORIGIN)).toBeInstanceOf(Promise)
    gate.close()
  })

  test('leaving twice gives back one place', () => {
    const gate = gateOf(1)
    const [pass] = passes(gate, 1)
    pass?.leave(true)
    pass?.leave(true)
    expect(passes(gate, 2)).toHaveLength(1)
    gate.close()
  })

  test('forgets origins without traffic, those that are healthy last', () => {
    const gate = gateOf(1)
    passes(gate, 1)[0]?.leave(true)
    passes(gate, 1, 'https://b.example')[0]?.leave(false)
    expect(gate.receivers).toBe(2)
    jest.advanceTimersByTime(150_000)
    expect(gate.receivers).toBe(1)
    jest.advanceTimersByTime(3_600_000)
    expect(gate.receivers).toBe(0)
    gate.close()
  })

  test('20,000 origins with one unanswered attempt each are forgotten', () => {
    const gate = gateOf(20)
    for (let index = 0; index < 20_000; index += 1)
      passes(gate, 1, `https://h${index}.example`)[0]?.leave(false)
    expect(gate.receivers).toBe(20_000)
    jest.advanceTimersByTime(180_000)
    expect(gate.receivers).toBe(0)
    gate.close()
  })

  test('60,000 origins in a minute do not fill the memory, and healthy ones stay known', () => {
    const gate = gateOf(20)
    passes(gate, 1)[0]?.leave(true)
    for (let index = 0; index < 60_000; index += 1) {
      if (index % 3_000 === 0) jest.advanceTimersByTime(3_000)
      passes(gate, 1, `https://h${index}.example`)[0]?.leave(false)
    }
    expect(gate.receivers).toBeLessThanOrEqual(20_000)
    const kept = gate.receivers
    passes(gate, 1)[0]?.leave(true)
    expect(gate.receivers).toBe(kept)
    gate.close()
  })

  test('an origin whose circuit is open is forgotten too', () => {
    const gate = gateOf(20)
    for (const pass of passes(gate, 10)) pass.leave(false)
    expect(gate.breakersOpen).toBe(1)
    jest.advanceTimersByTime(240_000)
    expect(gate).toMatchObject({ receivers: 0, breakersOpen: 0 })
    gate.close()
  })

  test("an old failure does not count as the breaker's probe", () => {
    const gate = gateOf(20)
    const [old, ...others] = passes(gate, 11)
    for (const pass of others) pass.leave(false)
    jest.advanceTimersByTime(5_000)
    const [probe] = passes(gate, 1)
    old?.leave(false)
    probe?.leave(true)
    expect(passes(gate, 2)).toHaveLength(2)
    // Nor does it where no probe is out: the time that is over stays over.
    gate.close()
    const another = gateOf(20)
    const [first, second, ...rest] = passes(another, 12)
    for (const pass of rest) pass.leave(false)
    jest.advanceTimersByTime(5_000)
    passes(another, 1)
    first?.leave(false)
    second?.leave(false)
    const later = another.enter(ORIGIN)
    expect(later).toMatchObject({ kind: 'defer', heldBy: 'receiver_down' })
    expect((later as { until: number }).until - Date.now()).toBeLessThan(3_000)
    another.close()
  })

  test("an unsent pass of another does not clear the breaker's probe", () => {
    const gate = gateOf(20)
    const [unsent, ...others] = passes(gate, 11)
    for (const pass of others) pass.leave(false)
    jest.advanceTimersByTime(5_000)
    expect(passes(gate, 1)).toHaveLength(1)
    unsent?.leave(undefined)
    expect(passes(gate, 5)).toHaveLength(0)
    gate.close()
  })

  test('a breaker that opens or closes is one log line, whatever happens in between', () => {
    const lines: [string, object][] = []
    const log: Log = {
      ...SILENT,
      info: (fields) => lines.push(['info', fields]),
      warn: (fields) => lines.push(['warn', fields]),
    }
    const gate = gateOf(20, 2_000, log)
    for (const pass of passes(gate, 15)) pass.leave(false)
    expect(lines).toEqual([['warn', { origin: ORIGIN, failures: 10, until: expect.any(String) }]])
    expect(gate.breakersOpen).toBe(1)
    jest.advanceTimersByTime(5_000)
    passes(gate, 1)[0]?.leave(false)
    jest.advanceTimersByTime(10_000)
    passes(gate, 1)[0]?.leave(true)
    expect(lines.slice(1)).toEqual([['info', { origin: ORIGIN, openMs: 15_000 }]])
    expect(gate.breakersOpen).toBe(0)
    gate.close()
  })

  test('thousands held back by a breaker come back one after the other, not in one instant', () => {
    const gate = gateOf(20)
    for (const pass of passes(gate, 10)) pass.leave(false)
    const turns = Array.from({ length: 1_000 }, () => (gate.enter(ORIGIN) as { until: number }).until)
    expect(new Set(turns).size).toBe(1_000)
    expect(Math.min(...turns) - Date.now()).toBeGreaterThanOrEqual(5_000)
    expect(Math.max(...turns) - Date.now()).toBeLessThan(7_000)
    gate.close()
  })
})
