/** Attempts in a row without an answer that open the circuit. */
const FAILURES_TO_OPEN = 10
const FIRST_OPEN_MS = 5_000
const LONGEST_OPEN_MS = 60_000

/**
 * The circuit breaker of one origin.
 *
 * Only attempts that got no answer count (refused, timed out, cut off): a receiver that answers 500 quickly harms no
 * one else. Ten in a row open it for 5 s. Then one attempt goes out as a probe: an answer closes the circuit, none
 * opens it again for twice as long, up to a minute.
 */
export class CircuitBreaker {
  #failures = 0
  #openMs = 0
  #openUntil = 0
  #probing = false

  /** Whether an attempt may start at `now`, or when to ask again. Taking the probe is part of asking. */
  ask(now: number): { readonly open: false } | { readonly open: true; readonly until: number } {
    if (this.#openMs === 0) return { open: false }
    if (now < this.#openUntil) return { open: true, until: this.#openUntil }
    if (this.#probing) return { open: true, until: now + FIRST_OPEN_MS / 5 }
    this.#probing = true
    return { open: false }
  }

  /** What came of an attempt that was let through. */
  tell(answered: boolean, now: number): void {
    if (answered) {
      this.#failures = 0
      this.#openMs = 0
      this.#probing = false
      return
    }
    this.#failures += 1
    const probeFailed = this.#probing && now >= this.#openUntil
    if (probeFailed || (this.#openMs === 0 && this.#failures >= FAILURES_TO_OPEN)) {
      this.#openMs = Math.min(LONGEST_OPEN_MS, Math.max(FIRST_OPEN_MS, this.#openMs * 2))
      this.#openUntil = now + this.#openMs
      this.#probing = false
    }
  }

  /** An attempt that was let through did not take place: a probe goes to the next who asks. */
  forget(): void {
    this.#probing = false
  }

  get closed(): boolean {
    return this.#openMs === 0 && this.#failures === 0
  }
}
