import { CircuitBreaker } from './circuit-breaker.ts'

let pass = 0
const begin = (breaker: CircuitBreaker): number => {
  pass += 1
  breaker.begin(pass)
  return pass
}
const fail = (breaker: CircuitBreaker, times: number, now: number) => {
  for (let time = 0; time < times; time += 1) breaker.tell(begin(breaker), false, now)
}

describe('CircuitBreaker', () => {
  test('opens after ten attempts in a row without an answer, not after nine', () => {
    const breaker = new CircuitBreaker()
    fail(breaker, 9, 0)
    expect(breaker.heldUntil(0)).toBeUndefined()
    expect(breaker.tell(begin(breaker), false, 0)).toEqual({ kind: 'opened', failures: 10, until: 5_000 })
    expect(breaker.heldUntil(0)).toBe(5_000)
  })

  test('an answer in between starts the count anew', () => {
    const breaker = new CircuitBreaker()
    fail(breaker, 9, 0)
    expect(breaker.tell(begin(breaker), true, 0)).toBeUndefined()
    fail(breaker, 9, 0)
    expect(breaker.heldUntil(0)).toBeUndefined()
  })

  test('lets one probe through when its time is up, and the others wait for what it brings', () => {
    const breaker = new CircuitBreaker()
    fail(breaker, 10, 0)
    expect(breaker.heldUntil(5_000)).toBeUndefined()
    const probe = begin(breaker)
    expect(breaker.heldUntil(5_000)).toBe(6_000)
    expect(breaker.tell(probe, true, 5_100)).toEqual({ kind: 'closed', openMs: 5_100 })
    expect(breaker.heldUntil(5_100)).toBeUndefined()
    expect(breaker).toMatchObject({ open: false, failures: 0 })
  })

  test('a probe without an answer doubles the time, up to a minute', () => {
    const breaker = new CircuitBreaker()
    fail(breaker, 10, 0)
    let now = 0
    for (const openMs of [5_000, 10_000, 20_000, 40_000, 60_000, 60_000]) {
      expect(breaker.heldUntil(now)).toBe(now + openMs)
      now += openMs
      expect(breaker.heldUntil(now)).toBeUndefined()
      fail(breaker, 1, now)
    }
  })

  test('attempts that were under way when it opened do not prolong it, however late they end', () => {
    const breaker = new CircuitBreaker()
    const [early, late] = [begin(breaker), begin(breaker)]
    fail(breaker, 10, 0)
    breaker.tell(early, false, 4_000)
    expect(breaker.heldUntil(4_500)).toBe(5_000)
    const probe = begin(breaker)
    expect(breaker.tell(late, false, 6_000)).toBeUndefined()
    expect(breaker.heldUntil(6_000)).toBe(7_000)
    expect(breaker.tell(probe, true, 6_100)).toEqual({ kind: 'closed', openMs: 6_100 })
  })

  test('a probe that did not take place goes to the next who asks; that of another pass stays', () => {
    const breaker = new CircuitBreaker()
    const other = begin(breaker)
    fail(breaker, 10, 0)
    const probe = begin(breaker)
    breaker.cancel(other)
    expect(breaker.heldUntil(5_000)).toBe(6_000)
    breaker.cancel(probe)
    expect(breaker.heldUntil(5_000)).toBeUndefined()
  })
})
