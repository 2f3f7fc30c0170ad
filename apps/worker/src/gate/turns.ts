const SHORTEST_DEFERRAL_MS = 250
/** Anybody may be put off for so long. */
const LONGEST_DEFERRAL_MS = 60_000
/** One that is late already is put off for as long as it is late, up to this. */
const LONGEST_DEFERRAL_OF_LATE_MS = 900_000
/** Nobody is asked to come back faster than this one after the other: taking and putting back costs Redis too. */
const CLOSEST_MS = 1
/** Whose last turn was so long ago counts as waiting still, in milliseconds. */
const LINGER_MS = 1_000

/** What else decides when the next turn is. */
export interface TurnWish {
  /** Epoch ms. */
  readonly notBefore?: number
  /** How long the timer has been due, in milliseconds. */
  readonly lateMs?: number
  /** Least time between two turns, in milliseconds. */
  readonly spacingMs?: number
}

/**
 * Turns in the future, one after the other: so that those who are deferred come back as fast as they can be taken, and
 * not all in one instant. None lies nearer than a quarter of a second.
 *
 * None lies further away than a minute, or than the timer is late already, a quarter of an hour at most: with a million
 * that wait, all of them once a minute would be more than a worker can take and put back.
 */
export class Turns {
  #plannedUntil = 0

  /** The next turn, `intervalMs` after the one before. */
  next(
    now: number,
    intervalMs: number,
    { notBefore = now, lateMs = 0, spacingMs = CLOSEST_MS }: TurnWish = {},
  ): number {
    const earliest = Math.max(now + SHORTEST_DEFERRAL_MS, notBefore)
    const own = Math.max(CLOSEST_MS, intervalMs)
    this.#plannedUntil = Math.min(
      Math.max(this.#plannedUntil + Math.max(own, spacingMs), earliest + own),
      now + LONGEST_DEFERRAL_OF_LATE_MS,
    )
    const longestMs = Math.min(Math.max(LONGEST_DEFERRAL_MS, lateMs), LONGEST_DEFERRAL_OF_LATE_MS)
    return Math.round(Math.min(this.#plannedUntil, now + longestMs))
  }

  /** The plan was too slow: what is planned from here on comes at `from` (epoch ms) or after. */
  hurry(from: number): void {
    this.#plannedUntil = Math.min(this.#plannedUntil, from)
  }

  /** Whether somebody has a turn still to come, or had one just now. */
  waited(now: number): boolean {
    return this.#plannedUntil + LINGER_MS > now
  }
}
