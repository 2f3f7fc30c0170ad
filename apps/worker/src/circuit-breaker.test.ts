import { CircuitBreaker } from './circuit-breaker.ts'

const fail = (breaker: CircuitBreaker, times: number, now: number) => {
  for (let time = 0; time < times; time += 1) {
    breaker.ask(now)
    breaker.tell(false, now)
  }
}

describe('CircuitBreaker', () => {
  test('opens after ten attempts in a row without an answer, not after nine', () => {
    const breaker = new CircuitBreaker()
    fail(breaker, 9, 0)
    expect(breaker.ask(0)).toEqual({ open: false })
    fail(breaker, 1, 0)
    expect(breaker.ask(0)).toEqual({ open: true, until: 5_000 })
  })

  test('an answer in between starts the count anew', () => {
    const breaker = new CircuitBreaker()
    fail(breaker, 9, 0)
    breaker.tell(true, 0)
    fail(breaker, 9, 0)
    expect(breaker.ask(0)).toEqual({ open: false })
  })

  test('lets one probe through when its time is up, and the others wait for what it brings', () => {
    const breaker = new CircuitBreaker()
    fail(breaker, 10, 0)
    expect(breaker.ask(5_000)).toEqual({ open: false })
    expect(breaker.ask(5_000)).toEqual({ open: true, until: 6_000 })
    breaker.tell(true, 5_100)
    expect(breaker.ask(5_100)).toEqual({ open: false })
    expect(breaker.ask(5_100)).toEqual({ open: false })
    expect(breaker.closed).toBe(true)
  })

  test('a probe without an answer doubles the time, up to a minute', () => {
    const breaker = new CircuitBreaker()
    fail(breaker, 10, 0)
    let now = 0
    for (const openMs of [5_000, 10_000, 20_000, 40_000, 60_000, 60_000]) {
      expect(breaker.ask(now)).toEqual({ open: true, until: now + openMs })
      now += openMs
      expect(breaker.ask(now)).toEqual({ open: false })
      breaker.tell(false, now)
    }
  })

  test('attempts that were under way when it opened do not prolong it', () => {
    const breaker = new CircuitBreaker()
    fail(breaker, 10, 0)
    breaker.tell(false, 100)
    breaker.tell(false, 4_000)
    expect(breaker.ask(4_500)).toEqual({ open: true, until: 5_000 })
  })

  test('a probe that did not take place goes to the next who asks', () => {
    const breaker = new CircuitBreaker()
    fail(breaker, 10, 0)
    expect(breaker.ask(5_000)).toEqual({ open: false })
    breaker.forget()
    expect(breaker.ask(5_000)).toEqual({ open: false })
  })
})
