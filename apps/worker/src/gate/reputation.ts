import { AnswerTimes } from './answer-times.ts'
import type { CircuitBreaker } from './circuit-breaker.ts'

/** An origin that answers within this long, on the average, is known to be healthy, in milliseconds. */
const QUICK_MS = 1_000
/** With so many in a row without an answer it is not. */
const FAILURES_TO_DOUBT = 3
/** So many requests that hang do not make it slow, where its cap is more than twice that. */
const HANGING_PASSED_OVER = 20

/** What is known of how an origin answers. */
export class Reputation {
  readonly #maxPerOrigin: number
  readonly #breaker: CircuitBreaker
  readonly #times = new AnswerTimes()
  #answeredOnce = false

  constructor(maxPerOrigin: number, breaker: CircuitBreaker) {
    this.#maxPerOrigin = maxPerOrigin
    this.#breaker = breaker
  }

  /** Whether it answers, quickly, as far as is known at `now`. */
  healthy(now: number): boolean {
    const { meanMs } = this.#times
    return (
      this.#answeredOnce &&
      meanMs !== undefined &&
      meanMs <= QUICK_MS &&
      this.#breaker.failures < FAILURES_TO_DOUBT &&
      this.#times.olderThan(QUICK_MS, now) <= this.#maxPerOrigin / 2
    )
  }

  /** For how long a request takes one of the places, in milliseconds. */
  placeMs(now: number): number {
    return this.#times.expectedMs(now, Math.min(this.#maxPerOrigin >> 1, HANGING_PASSED_OVER))
  }

  /** Its request has left. */
  sent(pass: number, now: number): void {
    this.#times.begin(pass, now)
  }

  /** It is over. For how long it was on its way, in milliseconds; undefined where it never left. */
  over(pass: number, now: number): number | undefined {
    return this.#times.end(pass, now)
  }

  /** Whether that was quick. */
  answered(tookMs: number): boolean {
    this.#answeredOnce = true
    return tookMs <= QUICK_MS
  }
}
