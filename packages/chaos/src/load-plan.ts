import type { Mode } from '@timers/lab'
import { Random } from './random.ts'

/**
 * What the receiver does with a timer's requests:
 * - `fast`, `slow`: 200, at once or after a while;
 * - `error`: 500 to the first request;
 * - `reset`, `close`, `hang`: reads the first request, then RST, an end without an answer, or nothing at all;
 * - `refuse`: a listener of its own (a door), closed now and then.
 * Where only the first is told of, the others get 200 at once.
 */
export type Behaviour = 'fast' | 'slow' | 'error' | 'reset' | 'close' | 'hang' | 'refuse'

/** A timer that a client is going to ask for. Times are milliseconds after the start of the load. */
export interface PlannedCreate {
  readonly index: number
  readonly atMs: number
  readonly seconds: number
  readonly behaviour: Behaviour
  /** How long a slow answer takes. */
  readonly slowMs: number
  /** Which door, for `refuse`. */
  readonly door: number
  readonly mode: Mode
  readonly maxAttempts: number
}

/** A time during which a door is closed. */
export interface PlannedClosing {
  readonly door: number
  readonly atMs: number
  readonly lastsMs: number
}

export const DOORS = 3

const BEHAVIOURS: Readonly<Record<Behaviour, number>> = {
  fast: 48,
  slow: 18,
  error: 8,
  reset: 6,
  close: 2,
  hang: 4,
  refuse: 14,
}
const DURATIONS_SECONDS = [1, 20] as const
const SLOW_MS = [200, 1_500] as const

export function planCreates(seed: string, ratePerSecond: number, untilMs: number): PlannedCreate[] {
  const random = new Random(seed, 'creates')
  const planned: PlannedCreate[] = []
  const stepMs = 1_000 / ratePerSecond
  for (let index = 0; index * stepMs < untilMs; index += 1) {
    const mode = random.weighted<Mode>({ at_most_once: 2, at_least_once: 1 })
    planned.push({
      index,
      atMs: Math.round((index + random.next()) * stepMs),
      seconds: random.integer(...DURATIONS_SECONDS),
      behaviour: random.weighted(BEHAVIOURS),
      slowMs: random.integer(...SLOW_MS),
      door: random.integer(0, DOORS - 1),
      mode,
      maxAttempts: mode === 'at_most_once' ? random.pick([3, 5, 10]) : random.pick([2, 3, 4]),
    })
  }
  return planned
}

/** In the order of their times. */
export function planClosings(seed: string, untilMs: number): PlannedClosing[] {
  return Array.from({ length: DOORS }, (_, door) => {
    const random = new Random(seed, `door-${door}`)
    const planned: PlannedClosing[] = []
    for (let atMs = random.integer(1_000, 10_000); ; ) {
      const lastsMs = random.integer(500, 12_000)
      if (atMs + lastsMs > untilMs) return planned
      planned.push({ door, atMs, lastsMs })
      atMs += lastsMs + random.integer(3_000, 20_000)
    }
  })
    .flat()
    .sort((a, b) => a.atMs - b.atMs)
}

/** The key of a creation: which planned timer, and which try of the client. */
export function keyFor(create: PlannedCreate, tries: number): string {
  return `c${create.index}-${tries}`
}

/** Which of the planned timers a key belongs to. */
export function indexOf(key: string): number {
  return Number(key.slice(1, key.indexOf('-')))
}
