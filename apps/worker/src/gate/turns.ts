const SHORTEST_DEFERRAL_MS = 250
const LONGEST_DEFERRAL_MS = 60_000
/** Nobody is asked to come back faster than this one after the other: taking and putting back costs Redis too. */
const CLOSEST_MS = 1

/**
 * Turns in the future, one after the other: so that those who are deferred come back as fast as they can be taken, and
 * not all in one instant. None lies nearer than a quarter of a second, and none further away than a minute.
 */
export class Turns {
  #plannedUntil = 0

  /** The next turn, `intervalMs` after the one before, and not before `notBefore`. */
  next(now: number, intervalMs: number, notBefore = now): number {
    const earliest = Math.max(now + SHORTEST_DEFERRAL_MS, notBefore)
    this.#plannedUntil = Math.min(
      Math.max(this.#plannedUntil, earliest) + Math.max(CLOSEST_MS, intervalMs),
      now + LONGEST_DEFERRAL_MS,
    )
    return Math.round(this.#plannedUntil)
  }
}
