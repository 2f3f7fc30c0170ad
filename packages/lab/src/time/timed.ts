/** How often it is looked whether the process runs, and what a longer break between two looks counts as, in milliseconds. */
const LOOK_MS = 5
const BREAK_MS = 25

export interface Timed<T> {
  readonly value: T
  /** Milliseconds in which this process could run. */
  readonly tookMs: number
}

/**
 * Does `work`, and tells how long it waited, for bounds that the product keeps with timers of this very process.
 *
 * A machine that lets the process stand still for a second stops the product's timers and the test's clock alike: such a
 * break counts as `BREAK_MS`. What computes without a pause is no wait either, so this measures no speed.
 */
export async function timed<T>(work: () => Promise<T>): Promise<Timed<T>> {
  let tookMs = 0
  let lookedAt = performance.now()
  const look = (): void => {
    const now = performance.now()
    tookMs += Math.min(now - lookedAt, BREAK_MS)
    lookedAt = now
  }
  const looking = setInterval(look, LOOK_MS)
  try {
    const value = await work()
    look()
    return { value, tookMs }
  } finally {
    clearInterval(looking)
  }
}
