import { jest } from '@jest/globals'
import type { Admission, Pass } from '@timers/core'
import { OriginGate } from './origin-gate.ts'

const ORIGIN = 'https://a.example'

const isPass = (admission: Admission | Promise<Admission>): admission is Pass =>
  !(admission instanceof Promise) && admission.kind === 'go'

const passes = (gate: OriginGate, count: number, origin = ORIGIN): Pass[] =>
  Array.from({ length: count }, () => gate.enter(origin))
    .filter(isPass)
    .map((pass) => {
      pass.sending()
      return pass
    })

describe('OriginGate', () => {
  beforeEach(() => {
    jest.useFakeTimers({ now: 1_000_000 })
  })
  afterEach(() => {
    jest.useRealTimers()
  })

  test('lets as many through as the cap allows, and other origins beside them', () => {
    const gate = new OriginGate(3)
    expect(passes(gate, 5)).toHaveLength(3)
    expect(passes(gate, 5, 'https://b.example')).toHaveLength(3)
    gate.close()
  })

  test('parks what exceeds the cap of an origin that answers quickly, first come first served', async () => {
    const gate = new OriginGate(1)
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
    const gate = new OriginGate(2)
    passes(gate, 2)
    const waiting = Promise.all(Array.from({ length: 6 }, () => gate.enter(ORIGIN)))
    jest.advanceTimersByTime(100)
    for (const admission of await waiting) expect(admission.kind).toBe('defer')
    gate.close()
  })

  test('defers at once when the origin is known to be slow, one turn after the other', () => {
    const gate = new OriginGate(2)
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
    const gate = new OriginGate(1)
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
    const gate = new OriginGate(20)
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
    const gate = new OriginGate(1)
    for (let time = 0; time < 20; time += 1) passes(gate, 1)[0]?.leave(undefined)
    expect(passes(gate, 1)).toHaveLength(1)
    gate.close()
  })

  test("time that passes before the request leaves is not the receiver's: an outage of Redis put off healthy ones", () => {
    const gate = new OriginGate(1)
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
    const gate = new OriginGate(1)
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
    const gate = new OriginGate(1)
    const [pass] = passes(gate, 1)
    pass?.leave(true)
    pass?.leave(true)
    expect(passes(gate, 2)).toHaveLength(1)
    gate.close()
  })

  test('forgets origins without traffic', () => {
    const gate = new OriginGate(1)
    passes(gate, 1)[0]?.leave(true)
    expect(gate.size).toBe(1)
    jest.advanceTimersByTime(240_000)
    expect(gate.size).toBe(0)
    gate.close()
  })
})
