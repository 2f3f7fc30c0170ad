/** Where the time comes from: epoch milliseconds. Passed in, so that tests can hold it still. */
export interface Clock {
  now(): number
}

/** The machine's own clock. A step of it makes timers early or late by the step: see docs/operations.md. */
export const systemClock: Clock = { now: () => Date.now() }
