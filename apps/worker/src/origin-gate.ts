import { type Admission, type Gate, originOf } from '@timers/core'
import { CircuitBreaker } from './circuit-breaker.ts'

/** A wait that is expected to be shorter than this is spent in hand: going back to Redis would take as long. */
const PARK_MS = 100
/** How often those in hand are looked at again, in milliseconds. */
const REVIEW_MS = 25
const SHORTEST_DEFERRAL_MS = 250
const LONGEST_DEFERRAL_MS = 60_000
/** What is assumed of an origin that has not answered yet, in milliseconds. */
const UNKNOWN_ANSWER_MS = 10
/** Weights of the newest answer in the running mean: an origin that is quick again is soon taken for quick. */
const SLOWER_WEIGHT = 0.1
const QUICKER_WEIGHT = 0.5
/** An origin without traffic for this long is forgotten. */
const FORGET_AFTER_MS = 120_000

/**
 * # One slow receiver harms no one else
 *
 * Per origin, in this worker process: at most `maxPerOrigin` requests in flight, and a circuit breaker
 * (docs/adr/0006-origin-gate.md). What exceeds the cap
 * - is parked in hand for a moment, where the origin answers so quickly that its turn comes at once; else
 * - is deferred: it goes back to Redis, unclaimed, until about the time at which its turn should come. It holds no
 *   slot of the worker meanwhile and has used up no attempt.
 */
export class OriginGate implements Gate {
  readonly #maxPerOrigin: number
  readonly #origins = new Map<string, Origin>()
  readonly #timer: NodeJS.Timeout

  constructor(maxPerOrigin: number) {
    this.#maxPerOrigin = maxPerOrigin
    this.#timer = setInterval(() => this.#forgetIdle(), FORGET_AFTER_MS)
    this.#timer.unref()
  }

  enter(url: string): Admission | Promise<Admission> {
    const origin = originOf(url)
    let state = this.#origins.get(origin)
    if (state === undefined) {
      state = new Origin(this.#maxPerOrigin)
      this.#origins.set(origin, state)
    }
    return state.enter(Date.now())
  }

  /** Origins that are known at the moment. */
  get size(): number {
    return this.#origins.size
  }

  /** Defers whoever is parked. */
  close(): void {
    clearInterval(this.#timer)
    for (const origin of this.#origins.values()) origin.close()
  }

  #forgetIdle(): void {
    const now = Date.now()
    for (const [name, origin] of this.#origins) {
      if (origin.idleSince(now) >= FORGET_AFTER_MS) this.#origins.delete(name)
    }
  }
}

class Origin {
  readonly #max: number
  readonly #breaker = new CircuitBreaker()
  /** Those let through, by a number of their own. */
  readonly #inFlight = new Set<number>()
  /** When each of them that is with the receiver began, oldest first. */
  readonly #sending = new Map<number, number>()
  readonly #parked: ((admission: Admission) => void)[] = []
  #review: NodeJS.Timeout | undefined
  #serial = 0
  #meanAnswerMs: number | undefined
  /** Time up to which turns have been given to those deferred. */
  #plannedUntil = 0
  #lastUsed = 0

  constructor(max: number) {
    this.#max = max
  }

  enter(now: number): Admission | Promise<Admission> {
    this.#lastUsed = now
    if (this.#inFlight.size < this.#max && this.#parked.length === 0) return this.#admit(now)
    if (this.#expectedWaitMs(this.#parked.length + 1, now) > PARK_MS) return this.#defer(now)
    return new Promise((admit) => {
      this.#parked.push(admit)
      this.#review ??= setInterval(() => this.#reviewParked(), REVIEW_MS)
    })
  }

  close(): void {
    this.#deferParked(Date.now())
  }

  /** For how long nothing has happened here, in milliseconds; 0 while there is something to remember. */
  idleSince(now: number): number {
    const busy =
      this.#inFlight.size > 0 || this.#parked.length > 0 || !this.#breaker.closed || this.#plannedUntil > now
    return busy ? 0 : now - this.#lastUsed
  }

  #admit(now: number): Admission {
    const asked = this.#breaker.ask(now)
    if (asked.open) {
      // Spread out, so that they do not all come back in the same instant.
      const until = Math.round(asked.until + Math.random() * SHORTEST_DEFERRAL_MS)
      return { kind: 'defer', until, heldBy: 'receiver_down' }
    }
    this.#serial += 1
    const serial = this.#serial
    this.#inFlight.add(serial)
    return {
      kind: 'go',
      sending: () => void this.#sending.set(serial, Date.now()),
      leave: (answered) => this.#leave(serial, answered),
    }
  }

  #leave(serial: number, answered: boolean | undefined): void {
    if (!this.#inFlight.delete(serial)) return
    const now = Date.now()
    const startedAt = this.#sending.get(serial)
    this.#sending.delete(serial)
    if (answered === undefined || startedAt === undefined) {
      this.#breaker.forget()
    } else {
      const took = now - startedAt
      this.#learn(took)
      this.#breaker.tell(answered, now)
    }
    while (this.#inFlight.size < this.#max && this.#parked.length > 0) {
      this.#parked.shift()?.(this.#admit(now))
    }
    if (this.#parked.length === 0) this.#stopReview()
  }

  #learn(answerMs: number): void {
    const mean = this.#meanAnswerMs ?? answerMs
    const weight = answerMs < mean ? QUICKER_WEIGHT : SLOWER_WEIGHT
    this.#meanAnswerMs = mean + weight * (answerMs - mean)
  }

  /** How long the one at this place of the queue will wait, as far as can be told. */
  #expectedWaitMs(place: number, now: number): number {
    return (this.#answerMs(now) * place) / this.#max
  }

  /** How long a request takes here: the mean, or how long the oldest in flight has taken already. */
  #answerMs(now: number): number {
    const oldest = this.#sending.values().next().value
    const age = oldest === undefined ? 0 : now - oldest
    return Math.max(this.#meanAnswerMs ?? UNKNOWN_ANSWER_MS, age)
  }

  #reviewParked(): void {
    const now = Date.now()
    if (this.#expectedWaitMs(this.#parked.length, now) > PARK_MS) this.#deferParked(now)
  }

  #deferParked(now: number): void {
    for (const admit of this.#parked.splice(0)) admit(this.#defer(now))
    this.#stopReview()
  }

  #stopReview(): void {
    clearInterval(this.#review)
    this.#review = undefined
  }

  /** A turn in the future: one after the other, as fast as the origin takes them. */
  #defer(now: number): Admission {
    const earliest = now + SHORTEST_DEFERRAL_MS
    const latest = now + LONGEST_DEFERRAL_MS
    this.#plannedUntil = Math.min(
      Math.max(this.#plannedUntil, earliest) + this.#answerMs(now) / this.#max,
      latest,
    )
    return { kind: 'defer', until: Math.round(this.#plannedUntil), heldBy: 'receiver_limit' }
  }
}
