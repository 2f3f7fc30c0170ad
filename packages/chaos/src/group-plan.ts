import type { ConflictMode } from '@timers/lab'
import { LABEL_EVERY_MS } from './life-plan.ts'
import { type Behaviour, type PlannedCreate, subject } from './load-plan.ts'
import { Random } from './random.ts'

/** A timer that clients call by a key of their own: put off again and again, and put anew when it fires. */
export interface PlannedKey {
  readonly atMs: number
  readonly index: number
  /** Clients that create it at first, all at once; 0: it comes to be with the first of `puts`. */
  readonly creates: number
  /** In the order of their times, each after the one before. */
  readonly puts: readonly PlannedPut[]
  /** What is done by key in the end, if anything. */
  readonly end: 'cancel' | 'patch' | undefined
}

export interface PlannedPut {
  /** After the one before... */
  readonly afterMs: number
  /** ... or so long after the timer is due, as was told last. */
  readonly fromDueMs: number | undefined
  readonly clients: number
  readonly seconds: number
  readonly mode: ConflictMode
  /** Whether somebody looks after it. */
  readonly looks: boolean
}

/** Timers that are asked for in one request, and cancelled by their label in another. */
export interface PlannedBatch {
  readonly atMs: number
  readonly indexes: readonly number[]
  /** How many clients send the same batch. */
  readonly sends: number
  readonly label: string
  /** Undefined: they are left alone. */
  readonly cancelAfterMs: number | undefined
  /** Clients that cancel it, at the same time. */
  readonly cancels: number
  /** Timers in one step. */
  readonly limit: number
}

/** All timers of a label that have failed are sent again. */
export interface PlannedSweep {
  readonly atMs: number
  readonly label: string
  readonly perSecond: number
}

const MODES = { replace: 5, keep_due: 2, keep: 2 } as const
const KEYED: Readonly<Partial<Record<Behaviour, number>>> = { fast: 6, slow: 3, error: 2, refuse: 1 }
/** Of each, for each timer that is created alone. */
const KEYS = 0.025
const BATCHES = 0.006

export interface Groups {
  /** Timers of the groups, in addition to those that are created alone. */
  readonly creates: readonly PlannedCreate[]
  readonly keys: readonly PlannedKey[]
  readonly batches: readonly PlannedBatch[]
  readonly sweeps: readonly PlannedSweep[]
}

/** `firstIndex` is the index of the first timer of them. */
export function planGroups(seed: string, ratePerSecond: number, untilMs: number, firstIndex: number): Groups {
  const creates: PlannedCreate[] = []
  const add = (atMs: number, seconds: number, random: Random): number => {
    const index = firstIndex + creates.length
    const behaviour = random.weighted(KEYED as Record<Behaviour, number>)
    const mode = random.weighted({ at_most_once: 2, at_least_once: 1 } as const)
    creates.push(subject({ index, atMs, seconds, behaviour, mode }, random))
    return index
  }
  const keys = each(untilMs, ratePerSecond * KEYS, new Random(seed, 'keys'), (atMs, random) =>
    planKey(atMs, add(atMs, 3, random), random),
  )
  const batches = each(untilMs, ratePerSecond * BATCHES, new Random(seed, 'batches'), (atMs, random, nth) => {
    const size = random.integer(3, 25)
    const indexes = Array.from({ length: size }, () => add(atMs, random.integer(1, 15), random))
    return {
      atMs,
      indexes,
      sends: random.integer(1, 2),
      label: `crowd-${nth}`,
      cancelAfterMs: random.next() < 0.7 ? random.integer(200, 6_000) : undefined,
      cancels: random.integer(1, 2),
      limit: random.integer(1, 10),
    }
  })
  const sweeping = new Random(seed, 'sweeps')
  const sweeps = Array.from({ length: Math.floor(untilMs / LABEL_EVERY_MS) }, (_, nth) => ({
    atMs: (nth + 1) * LABEL_EVERY_MS + sweeping.integer(0, LABEL_EVERY_MS),
    label: `again-${nth}`,
    perSecond: sweeping.integer(5, 50),
  })).filter(({ atMs }) => atMs < untilMs)
  return { creates, keys, batches, sweeps }
}

function planKey(atMs: number, index: number, random: Random): PlannedKey {
  return {
    atMs,
    index,
    creates: random.next() < 0.4 ? random.integer(1, 3) : 0,
    puts: Array.from({ length: random.integer(3, 12) }, () => {
      const isRacing = random.next() < 0.25
      return {
        afterMs: random.integer(0, 300),
        fromDueMs: isRacing ? random.integer(-50, 50) : undefined,
        clients: random.weighted({ 1: 5, 2: 2, 3: 1 }) === '1' ? 1 : random.integer(2, 3),
        seconds: random.integer(1, 4),
        mode: random.weighted<ConflictMode>(MODES),
        looks: random.next() < 0.3,
      }
    }),
    end: random.pick(['cancel', 'patch', undefined, undefined]),
  }
}

/** So many a second, spread at random. */
function each<T>(
  untilMs: number,
  perSecond: number,
  random: Random,
  plan: (atMs: number, random: Random, nth: number) => T,
): T[] {
  const stepMs = 1_000 / perSecond
  return Array.from({ length: Math.floor(untilMs / stepMs) }, (_, nth) =>
    plan(Math.round((nth + random.next()) * stepMs), random, nth),
  )
}
