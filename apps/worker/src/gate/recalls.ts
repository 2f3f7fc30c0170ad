/** Most that are remembered of one origin. */
const MOST_OF_ORIGIN = 1_000
/** What comes again so soon is not worth a command, in milliseconds. */
const SOON_MS = 500
/** A plan is slow where its turns lie so many times further apart than they would now. */
const SLOW = 2
/** Who was called back and has not come after this long is not waited for, in milliseconds. */
const ON_THE_WAY_MS = 1_000

/** While it is full, it looks so often for those whose turn has come, in milliseconds: a backlog asks at every timer. */
const LOOK_AGAIN_MS = 1_000

/** A timer that was given back, until its turn comes. */
export interface Waiting {
  /** Epoch ms. */
  readonly dueAt: number
  /** When its turn is, epoch ms. */
  readonly until: number
  /** How far apart turns were as this one was planned, in milliseconds. */
  readonly intervalMs: number
  /** Brings it back at `at` (epoch ms), if it is still where it was put. */
  readonly recall: (at: number) => void
}

/** How many may still be remembered in this process, of all origins. */
export interface RecallRoom {
  left: number
}

/**
 * Those of one origin that were given back and wait for a turn that was planned at a slow pace: so that they can be called
 * back when the receiver answers quickly again. What is not remembered here comes when its turn is.
 */
export class Recalls {
  readonly #room: RecallRoom
  /** By due time, the oldest first. */
  #waiting: Waiting[] = []
  #slowestMs = 0
  #lastAt = 0
  #lookedAt = 0
  /** Called back and not here yet, about. */
  #onTheWay = 0

  constructor(room: RecallRoom) {
    this.#room = room
  }

  get size(): number {
    return this.#waiting.length
  }

  get #full(): boolean {
    return this.size >= MOST_OF_ORIGIN || this.#room.left === 0
  }

  add(one: Waiting, now: number): void {
    if (one.until - now < SOON_MS) return
    if (this.#full && now - this.#lookedAt >= LOOK_AGAIN_MS) {
      this.#lookedAt = now
      this.#keep((other) => other.until > now)
    }
    if (this.#full) return
    this.#slowestMs = Math.max(this.#slowestMs, one.intervalMs)
    this.#room.left -= 1
    const last = this.#waiting.findLastIndex(({ dueAt }) => dueAt <= one.dueAt)
    this.#waiting.splice(last + 1, 0, one)
  }

  /** One has come, called back or not. */
  came(): void {
    if (this.#onTheWay > 0) this.#onTheWay -= 1
  }

  /**
   * Calls back as many as find room, besides those that are on the way already: those first that have been due for longest,
   * one after the other; none whose turn was planned about as fast as at an interval of `intervalMs`.
   *
   * @returns how many
   */
  call(room: number, intervalMs: number, now: number): number {
    if (this.#slowestMs <= SLOW * intervalMs) return 0
    if (now - this.#lastAt > ON_THE_WAY_MS) this.#onTheWay = 0
    const most = room - this.#onTheWay
    if (most <= 0) return 0
    let called = 0
    this.#keep(({ until, intervalMs: plannedMs, recall }) => {
      if (until - now < SOON_MS) return false
      if (called === most || plannedMs <= SLOW * intervalMs) return true
      called += 1
      this.#lastAt = Math.max(now, this.#lastAt + 1)
      recall(this.#lastAt)
      return false
    })
    this.#onTheWay += called
    return called
  }

  forget(): void {
    this.#keep(() => false)
  }

  #keep(which: (one: Waiting) => boolean): void {
    const before = this.size
    this.#waiting = this.#waiting.filter(which)
    this.#room.left += before - this.size
    this.#slowestMs = this.#waiting.reduce((slowest, { intervalMs }) => Math.max(slowest, intervalMs), 0)
  }
}
