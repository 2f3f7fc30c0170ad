/** Attempts in a row without an answer that open the circuit. */
const FAILURES_TO_OPEN = 10
const FIRST_OPEN_MS = 5_000
const LONGEST_OPEN_MS = 60_000
/** While the probe is out, the others ask again after this long, in milliseconds. */
const PROBE_AGAIN_MS = 1_000

/** What a breaker did when it heard of an attempt. */
export type BreakerChange =
  | { readonly kind: 'opened'; readonly failures: number; readonly until: number }
  | { readonly kind: 'reopened'; readonly failures: number; readonly until: number }
  | { readonly kind: 'closed'; readonly openMs: number }

/**
 * The circuit breaker of one origin.
 *
 * Only attempts that got no answer count (refused, timed out, cut off): a receiver that answers 500 quickly harms no
 * one else. Ten in a row open it for 5 s. Then one attempt goes out as a probe: an answer closes the circuit, none
 * opens it again for twice as long, up to a minute. The probe is one pass, known by its number: what becomes of any
 * other pass, begun before or not sent at all, neither prolongs the time nor frees the probe's place.
 */
export class CircuitBreaker {
  #failures = 0
  #openMs = 0
  #openedAt = 0
  #openUntil = 0
  #probe: number | undefined

  /** Whether it lets no one through, except for a probe when the time is up. */
  get open(): boolean {
    return this.#openMs > 0
  }

  /** Attempts in a row without an answer. */
  get failures(): number {
    return this.#failures
  }

  /** When to ask again, or undefined where an attempt may start at `now`. */
  heldUntil(now: number): number | undefined {
    if (!this.open) return undefined
    if (now < this.#openUntil) return this.#openUntil
    return this.#probe === undefined ? undefined : now + PROBE_AGAIN_MS
  }

  /** A pass was given out: the probe, where the circuit is open. */
  begin(pass: number): void {
    if (this.open) this.#probe = pass
  }

  /** A pass came back unsent: if it was the probe, the next who asks becomes it. */
  cancel(pass: number): void {
    if (this.#probe === pass) this.#probe = undefined
  }

  /** What came of an attempt that was sent. */
  tell(pass: number, answered: boolean, now: number): BreakerChange | undefined {
    if (answered) return this.#close(now)
    this.#failures += 1
    if (!this.open) return this.#failures >= FAILURES_TO_OPEN ? this.#openFor('opened', now) : undefined
    return pass === this.#probe ? this.#openFor('reopened', now) : undefined
  }

  #close(now: number): BreakerChange | undefined {
    const openMs = now - this.#openedAt
    const wasOpen = this.open
    this.#failures = 0
    this.#openMs = 0
    this.#probe = undefined
    return wasOpen ? { kind: 'closed', openMs } : undefined
  }

  #openFor(kind: 'opened' | 'reopened', now: number): BreakerChange {
    if (kind === 'opened') this.#openedAt = now
    this.#openMs = Math.min(LONGEST_OPEN_MS, Math.max(FIRST_OPEN_MS, this.#openMs * 2))
    this.#openUntil = now + this.#openMs
    this.#probe = undefined
    return { kind, failures: this.#failures, until: this.#openUntil }
  }
}
