/** A request that has not been answered after this long is taken for one that may wait long, in milliseconds. */
const MOMENT_MS = 100
/** For how long a silent one keeps its place: the default of WEBHOOK_TIMEOUT_MS. */
const SILENT_MS = 15_000
/** With this part of the places held by silent ones, it is at its slowest. */
const SLOWEST_FROM = 1 / 4
/** So much longer than on the average takes a place to become free: what was given out quickly has to be made up for. */
const SLOWEST = 8 / 7
/** While none is silent, so large a part starts at a time. */
const PART_AT_ONCE = 1 / 8

/**
 * Places for first requests, to receivers that were never asked before: who is healthy and who is silent cannot be told
 * until then. They are given out quickly while few are held by silent ones, and then at the pace at which they become
 * free again, one at a time. So however many silent ones come, there is a place for the next newcomer soon: with twenty
 * of them after 0.86 s at the latest (15 s / 20 * 8/7).
 */
export class FirstRequests {
  readonly #places: number
  /** When those were let through that have not been answered for less than a moment, by the number of their pass. */
  readonly #young = new Map<number, number>()
  /** When those were let through that are not answered yet and not young any more, oldest first. */
  readonly #old = new Map<number, number>()
  /** When the last of the old ones was let through. */
  #lastOldAt = Number.NEGATIVE_INFINITY

  constructor(places: number) {
    this.#places = places
  }

  get inFlight(): number {
    return this.#young.size + this.#old.size
  }

  /** Those of them that have waited for less than a moment. */
  youngAt(now: number): number {
    this.#age(now)
    return this.#young.size
  }

  mayEnter(now: number): boolean {
    this.#age(now)
    return this.#young.size < this.#startsAtOnce && now >= this.#lastOldAt + this.#gapMs
  }

  enter(pass: number, now: number): void {
    this.#young.set(pass, now)
  }

  leave(pass: number, now: number): void {
    this.#age(now)
    if (this.#young.delete(pass) || !this.#old.delete(pass)) return
    // It was slow and not silent: the next one need not wait for its sake.
    this.#lastOldAt = [...this.#old.values()].at(-1) ?? Number.NEGATIVE_INFINITY
  }

  get #startsAtOnce(): number {
    if (this.#old.size >= this.#places) return 0
    return Math.max(1, Math.ceil(this.#places * PART_AT_ONCE * (1 - this.#slowness)))
  }

  /** Least time between two that turn out to be silent. */
  get #gapMs(): number {
    return ((SILENT_MS * SLOWEST) / this.#places) * this.#slowness
  }

  /** 0 to 1. */
  get #slowness(): number {
    return Math.min(1, this.#old.size / (this.#places * SLOWEST_FROM))
  }

  #age(now: number): void {
    for (const [pass, enteredAt] of this.#young) {
      if (now - enteredAt < MOMENT_MS) break
      this.#young.delete(pass)
      this.#old.set(pass, enteredAt)
      this.#lastOldAt = enteredAt
    }
  }
}
