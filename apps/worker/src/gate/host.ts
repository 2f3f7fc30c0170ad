import { AnswerTimes } from './answer-times.ts'
import { FirstRequests } from './first-requests.ts'
import { Turns } from './turns.ts'

/** An attempt that got no answer for this long shows a host that is silent; one that is refused at once holds no hand. */
const SILENT_MS = 1_000

/**
 * All origins of one host name, as far as they are not known to answer: together they may have as much in flight as one
 * origin, so that thirty silent ports are not thirty receivers. Each request that waited in vain halves that, down to a
 * tenth; an answer doubles it again.
 *
 * Beside these, and be they all taken, there are as many places for first requests to origins of it that were never asked:
 * a new port of a host is not a silent one.
 */
export class Host {
  readonly #most: number
  readonly #least: number
  readonly #times = new AnswerTimes()
  readonly #turns = new Turns()
  readonly #first: FirstRequests
  /** Those that have a place for first requests. */
  readonly #passesOfFirst = new Set<number>()
  #limit: number
  #inFlight = 0
  /** Origins that are known of it. */
  origins = 0
  /** Timers to any of them that are parked in hand. */
  parked = 0

  constructor(most: number) {
    this.#most = most
    this.#least = Math.ceil(most / 10)
    this.#limit = most
    this.#first = new FirstRequests(most)
  }

  /** Most requests in flight to those of its origins that are not known to answer. */
  get limit(): number {
    return this.#limit
  }

  /** `first`: an origin that was never asked. */
  mayEnter(now: number, first: boolean): boolean {
    return this.#inFlight < this.#limit || (first && this.#first.mayEnter(now))
  }

  enter(pass: number, now: number): void {
    if (this.#inFlight < this.#limit) this.#inFlight += 1
    else {
      this.#passesOfFirst.add(pass)
      this.#first.enter(pass, now)
    }
  }

  sending(pass: number, now: number): void {
    this.#times.begin(pass, now)
  }

  /** `answered` is undefined where nothing was sent. */
  leave(pass: number, answered: boolean | undefined, now: number): void {
    if (this.#passesOfFirst.delete(pass)) this.#first.leave(pass, now)
    else this.#inFlight -= 1
    const tookMs = this.#times.end(pass, now)
    if (tookMs === undefined || answered === undefined) return
    if (answered) this.#limit = Math.min(this.#most, this.#limit * 2)
    else if (tookMs >= SILENT_MS) this.#limit = Math.max(this.#least, Math.floor(this.#limit / 2))
  }

  /**
   * How long the one at this place of those parked will wait, as far as can be told. Before anybody has answered, that is
   * believed for as many as may be in flight: more would fill the hands on trust.
   */
  expectedWaitMs(place: number, now: number): number {
    if (this.#times.meanMs === undefined && place > this.#limit) return Number.POSITIVE_INFINITY
    return (this.#times.expectedMs(now) * Math.max(place, this.#limit)) / this.#limit
  }

  /** When one that may not enter is to come back. */
  turn(now: number, lateMs: number): number {
    return this.#turns.next(now, this.#times.expectedMs(now) / this.#limit, { lateMs })
  }
}
