import type { Mode } from '@timers/lab'
import type { Life } from './life-plan.ts'
import { Random } from './random.ts'

/**
 * What the receiver does with a timer's requests:
 * - `fast`, `slow`: 200, at once or after a while;
 * - `error`: 500 to the first request;
 * - `broken`: 500 to every request;
 * - `reset`, `close`, `hang`: reads the first request, then RST, an end without an answer, or nothing at all;
 * - `silent`: one of many hosts that take every request and never answer;
 * - `named`: like fast, at a host that has a name; `nameless`: at one whose name no name server ever answers for;
 * - `refuse`: a listener of its own (a door), closed now and then.
 * Where only the first is told of, the others get 200 at once.
 */
export type Behaviour =
  | 'fast'
  | 'slow'
  | 'error'
  | 'broken'
  | 'reset'
  | 'close'
  | 'hang'
  | 'silent'
  | 'named'
  | 'nameless'
  | 'refuse'
/** Receivers that nothing is wrong with: what is late there, is late because of others. */
export const HEALTHY: readonly Behaviour[] = ['fast', 'slow', 'named']

/** A timer that a client is going to ask for. Times are milliseconds after the start of the load. */
export interface PlannedCreate {
  readonly index: number
  readonly atMs: number
  readonly seconds: number
  readonly behaviour: Behaviour
  /** How long a slow answer takes. */
  readonly slowMs: number
  /** Which door, for `refuse`, or which silent host: of as many as there are, by turns. */
  readonly door: number
  readonly mode: Mode
  readonly maxAttempts: number
  /** One of many that are all alike, and left alone. */
  readonly isCrowd?: boolean
  /** Absent: it is created and left alone, or belongs to a group. */
  readonly life?: Life
}

/** A time during which a door is closed. */
export interface PlannedClosing {
  readonly door: number
  readonly atMs: number
  readonly lastsMs: number
}

/** One client, or several at a time, that want a timer to be sent again. */
export interface PlannedRedrive {
  readonly atMs: number
  readonly clients: number
  /** For how long the replies of Redis to the APIs are cut meanwhile; 0: not at all. */
  readonly cutMs: number
  /** Which timer, in [0, 1). */
  readonly dice: number
  /** Whether they all send the same idempotency key, more than once. */
  readonly isKeyed: boolean
  /** Whether one whose end is unknown is settled by hand, and not sent again. */
  readonly isResolved: boolean
}

export const DOORS = 3
export const SILENT_HOSTS = 40

const BEHAVIOURS: Readonly<Record<Behaviour, number>> = {
  fast: 38,
  slow: 16,
  error: 6,
  broken: 6,
  reset: 6,
  close: 2,
  hang: 4,
  silent: 4,
  named: 8,
  nameless: 2,
  refuse: 14,
}
const DURATIONS_SECONDS = [1, 20] as const
const SLOW_MS = [200, 1_500] as const
/** Crowds of timers to silent hosts that are due at once, counted back from the end: the last when nothing else is broken. */
const CROWD = { size: 200, every: 60_000, dueBeforeEndMs: 7_000, seconds: 5 }
/** Redrives for each timer that is created. */
const REDRIVES = 0.15

export function planCreates(seed: string, ratePerSecond: number, untilMs: number): PlannedCreate[] {
  const random = new Random(seed, 'creates')
  const planned: PlannedCreate[] = []
  const stepMs = 1_000 / ratePerSecond
  for (let index = 0; index * stepMs < untilMs; index += 1) {
    const mode = random.weighted<Mode>({ at_most_once: 2, at_least_once: 1 })
    const atMs = Math.round((index + random.next()) * stepMs)
    const seconds = random.integer(...DURATIONS_SECONDS)
    const behaviour = random.weighted(BEHAVIOURS)
    planned.push(subject({ index, atMs, seconds, behaviour, mode }, random))
  }
  const all = [...planned, ...planCrowds(seed, untilMs)].sort((a, b) => a.atMs - b.atMs)
  return all.map((create, index) => ({ ...create, index }))
}

/** One timer, with what is left to chance. */
export function subject(
  known: Pick<PlannedCreate, 'index' | 'atMs' | 'seconds' | 'behaviour' | 'mode'>,
  random: Random,
): PlannedCreate {
  return {
    ...known,
    slowMs: random.integer(...SLOW_MS),
    door: random.integer(0, SILENT_HOSTS * DOORS - 1),
    maxAttempts: known.mode === 'at_most_once' ? random.pick([3, 5, 10]) : random.pick([2, 3, 4]),
  }
}

function planCrowds(seed: string, untilMs: number): PlannedCreate[] {
  const random = new Random(seed, 'crowds')
  const { size, every, dueBeforeEndMs, seconds } = CROWD
  const planned: PlannedCreate[] = []
  for (let dueMs = untilMs - dueBeforeEndMs; dueMs > seconds * 1_000; dueMs -= every) {
    for (let one = 0; one < size; one += 1) {
      const atMs = dueMs - seconds * 1_000 + random.integer(0, 500)
      const door = random.integer(0, SILENT_HOSTS - 1)
      const given = { mode: 'at_most_once', maxAttempts: 3, behaviour: 'silent' } as const
      planned.push({ index: 0, atMs, seconds, slowMs: 0, door, isCrowd: true, ...given })
    }
  }
  return planned
}

/** In the order of their times. Replies are cut until `cutsUntilMs`. */
export function planRedrives(
  seed: string,
  ratePerSecond: number,
  untilMs: number,
  cutsUntilMs: number,
): PlannedRedrive[] {
  const random = new Random(seed, 'redrives')
  const by = new Random(seed, 'redrive-kinds')
  const stepMs = 1_000 / (ratePerSecond * REDRIVES)
  return Array.from({ length: Math.floor(untilMs / stepMs) }, (_, index) => {
    const atMs = Math.round((index + random.next()) * stepMs)
    const cutMs = random.next() < 0.5 ? random.integer(20, 400) : 0
    const clients = random.integer(1, 3)
    const dice = random.next()
    const [isKeyed, isResolved] = [by.next() < 0.5, by.next() < 0.3]
    return { atMs, clients, cutMs: atMs < cutsUntilMs ? cutMs : 0, dice, isKeyed, isResolved }
  })
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
