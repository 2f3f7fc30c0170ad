/** What is assumed where nobody has answered yet, in milliseconds. */
const UNKNOWN_ANSWER_MS = 10
/** Weights of the newest answer in the running mean: who is quick again is soon taken for quick. */
const SLOWER_WEIGHT = 0.1
const QUICKER_WEIGHT = 0.5

/** How long answers take: the running mean of those that ended, and those that are still awaited. */
export class AnswerTimes {
  /** When each request that is with the receiver began, by the number of its pass, oldest first. */
  readonly #awaited = new Map<number, number>()
  #meanMs: number | undefined

  begin(pass: number, now: number): void {
    this.#awaited.set(pass, now)
  }

  /** @returns how long it took, or undefined where it had not begun */
  end(pass: number, now: number): number | undefined {
    const startedAt = this.#awaited.get(pass)
    if (startedAt === undefined) return undefined
    this.#awaited.delete(pass)
    const tookMs = now - startedAt
    const mean = this.#meanMs ?? tookMs
    this.#meanMs = mean + (tookMs < mean ? QUICKER_WEIGHT : SLOWER_WEIGHT) * (tookMs - mean)
    return tookMs
  }

  /** Mean of those that ended; undefined before the first. */
  get meanMs(): number | undefined {
    return this.#meanMs
  }

  /**
   * How long a request takes: the mean, or how long the oldest has been awaited already. So many of the oldest are passed
   * over: a few that hang do not make a receiver slow.
   */
  expectedMs(now: number, passedOver = 0): number {
    let left = passedOver
    for (const startedAt of this.#awaited.values()) {
      if (left === 0) return Math.max(this.#meanMs ?? UNKNOWN_ANSWER_MS, now - startedAt)
      left -= 1
    }
    return this.#meanMs ?? UNKNOWN_ANSWER_MS
  }

  /** How many have been awaited for longer than `ageMs`. */
  olderThan(ageMs: number, now: number): number {
    let count = 0
    for (const startedAt of this.#awaited.values()) {
      if (now - startedAt <= ageMs) break
      count += 1
    }
    return count
  }
}
