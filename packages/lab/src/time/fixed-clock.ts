/** A clock that moves only when told to. Fits core's `Clock`. */
export interface FixedClock {
  /** Epoch milliseconds. */
  now(): number
  advance(ms: number): void
}

export function fixedClock(startMs: number): FixedClock {
  let nowMs = startMs
  return {
    now: () => nowMs,
    advance: (ms) => {
      nowMs += ms
    },
  }
}
