/** How long an origin counts, in milliseconds. */
const WINDOW_MS = 10_000

/**
 * The origins that put timers off, in this process. All together they ask for a thousand a second to come back: with two
 * hundred receivers that are down and five thousand timers to each, all of them once a minute would be more than a worker
 * can take and put back.
 */
export class Crowd {
  #since = 0
  #before = 0
  readonly #seen = new Set<object>()

  /** Least time between two turns of this origin, which puts a timer off now; in milliseconds. */
  spacingMs(origin: object, now: number): number {
    if (now - this.#since >= WINDOW_MS) {
      this.#before = now - this.#since < 2 * WINDOW_MS ? this.#seen.size : 0
      this.#seen.clear()
      this.#since = now
    }
    this.#seen.add(origin)
    return Math.max(this.#before, this.#seen.size)
  }
}
