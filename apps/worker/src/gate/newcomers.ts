import { FirstRequests } from './first-requests.ts'
import { Turns } from './turns.ts'

/** A request that has not been answered after this long is taken for one that may wait long, in milliseconds. */
const MOMENT_MS = 100
/** What is assumed of those that were not answered within a moment: the default of WEBHOOK_TIMEOUT_MS. */
const UNKNOWN_OLD_MS = 15_000
const MEAN_WEIGHT = 0.05
/** The fuller it is, the fewer start at a time: this part of what is free. The last places are never gone all at once. */
const PART_OF_FREE = 1 / 8
/** Part of all places that is kept for receivers that were never asked before. */
const PART_FOR_FIRST = 1 / 4

/** Who asks for a place. */
export type Standing =
  /** A receiver that was never asked, and has just come. */
  | 'first'
  /** One that was deferred here before. */
  | 'returning'
  | 'other'

/**
 * # Requests to receivers that are not known to answer, in this worker process
 *
 * Newcomers, slow and silent ones may each keep a hand for the whole `WEBHOOK_TIMEOUT_MS`. So all of them together have
 * at most `most` in flight, and at most `atOnce` that are younger than a moment. Whoever answers at once makes room at
 * once, and silent ones start step by step.
 *
 * A quarter of the places is for first requests to receivers that were never asked before (`FirstRequests`): a backlog of
 * silent ones is not a queue that they stand in. Those that were deferred have half of the places to start, and come back
 * as fast as places become free.
 */
export class Newcomers {
  readonly #most: number
  readonly #atOnce: number
  readonly #first: FirstRequests
  /** Those that have a place kept for first requests. */
  readonly #passesOfFirst = new Set<number>()
  readonly #turns = new Turns()
  /** When the young ones were let through, by the number of their pass, oldest first. */
  readonly #young = new Map<number, number>()
  #inFlight = 0
  /** How long one counts as young: until it is answered, a moment at most. */
  #youngMs = MOMENT_MS
  /** How long those stay that were not answered within a moment. */
  #oldMs = UNKNOWN_OLD_MS

  constructor(most: number, atOnce: number) {
    const kept = Math.floor(most * PART_FOR_FIRST)
    this.#most = most - kept
    this.#first = new FirstRequests(kept)
    this.#atOnce = atOnce
  }

  get inFlight(): number {
    return this.#inFlight + this.#first.inFlight
  }

  mayEnter(now: number, standing: Standing): boolean {
    if (this.#mayEnter(now, standing)) return true
    const young = this.#young.size + this.#first.youngAt(now)
    return standing === 'first' && young < this.#atOnce && this.#first.mayEnter(now)
  }

  enter(pass: number, now: number, standing: Standing): void {
    if (!this.#mayEnter(now, standing)) {
      this.#passesOfFirst.add(pass)
      this.#first.enter(pass, now)
      return
    }
    this.#inFlight += 1
    this.#young.set(pass, now)
  }

  leave(pass: number, enteredAt: number, now: number): void {
    this.#age(now)
    if (this.#passesOfFirst.delete(pass)) {
      this.#first.leave(pass, now)
      return
    }
    this.#inFlight -= 1
    if (this.#young.delete(pass)) this.#learnYoung(now - enteredAt)
    else this.#oldMs += MEAN_WEIGHT * (now - enteredAt - this.#oldMs)
  }

  /** When one that may not enter is to come back. */
  turn(now: number, lateMs: number): number {
    const perPlaceMs = this.#full
      ? this.#oldMs / this.#most
      : this.#expectedYoungMs(now) / this.#returningAtOnce
    return this.#turns.next(now, perPlaceMs, { lateMs })
  }

  #mayEnter(now: number, standing: Standing): boolean {
    this.#age(now)
    const atOnce = standing === 'returning' ? this.#returningAtOnce : this.#startsAtOnce
    return !this.#full && this.#young.size < atOnce
  }

  get #startsAtOnce(): number {
    return Math.min(this.#atOnce, Math.ceil((this.#most - this.#inFlight) * PART_OF_FREE))
  }

  get #returningAtOnce(): number {
    return Math.ceil(this.#startsAtOnce / 2)
  }

  get #full(): boolean {
    return this.#inFlight >= this.#most
  }

  #expectedYoungMs(now: number): number {
    const oldest = this.#young.values().next().value
    return Math.max(this.#youngMs, oldest === undefined ? 0 : now - oldest)
  }

  #age(now: number): void {
    for (const [pass, enteredAt] of this.#young) {
      if (now - enteredAt < MOMENT_MS) break
      this.#young.delete(pass)
      this.#learnYoung(MOMENT_MS)
    }
  }

  #learnYoung(ms: number): void {
    this.#youngMs += MEAN_WEIGHT * (ms - this.#youngMs)
  }
}
