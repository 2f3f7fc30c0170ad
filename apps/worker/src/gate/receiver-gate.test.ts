import { jest } from '@jest/globals'
import type { Admission, Log, Pass } from '@timers/core'
import { ReceiverGate } from './receiver-gate.ts'

const ORIGIN = 'https://a.example'

const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} }

const gateOf = (maxPerOrigin: number, hands = 2_000, log = SILENT) =>
  new ReceiverGate({ maxPerOrigin, hands, log })

const isPass = (admission: Admission | Promise<Admission>): admission is Pass =>
  !(admission instanceof Promise) && admission.kind === 'go'

const passes = (gate: ReceiverGate, count: number, origin = ORIGIN): Pass[] =>
  Array.from({ length: count }, () => gate.enter(origin))
    .filter(isPass)
    .map((pass) => {
      pass.sending()
      return pass
    })

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
      else if (!(admission instanceof Promise)) setTimeout(ask, admission.until - Date.now(), url)
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

  test('thirty silent ports of one host are one receiver, two thousand of them too', () => {
    const gate = gateOf(20, 2_000)
    const { asked } = besiege(gate, (index) => `http://a.example:${1 + index}`, 2_000, 14)
    expect(gate.inFlight).toBe(20)
    expect(asked).toBeLessThan(2_000 + 14 * 300)
    gate.close()
  })

  test('those of one host that wait in hand are few, and go back when nobody answers', async () => {
    const gate = gateOf(20, 2_000)
    const asked = Array.from({ length: 2_000 }, (_, index) => gate.enter(`http://a.example:${1 + index}`))
    const parked = asked.filter((admission) => admission instanceof Promise)
    expect(parked.length).toBeLessThanOrEqual(20)
    for (const admission of asked) if (isPass(admission)) admission.sending()
    jest.advanceTimersByTime(150)
    for (const admission of await Promise.all(parked)) expect(admission.kind).toBe('defer')
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
