import type { Admission } from '@timers/core'

/** How often those who wait are looked at, in milliseconds. */
const REVIEW_MS = 25

/** A timer that waits in hand for a moment. */
export interface Guest {
  /** Lets it through if it may pass now. */
  readonly enter: (now: number) => Admission | undefined
  /** What becomes of it if it has waited in vain. */
  readonly giveUp: (now: number) => Admission
}

interface Waiting extends Guest {
  readonly since: number
  readonly admit: (admission: Admission) => void
}

/**
 * Where first requests to receivers that were never asked wait in hand until a place for them is given out, a second or
 * two at most. The newest has the next one: of many that come at a time most are silent ones, and who comes after them does not
 * wait until all of these have been tried. Where there are too many, the oldest goes back to Redis, as hands are dear; of
 * those that come in one instant, the first ones stay.
 */
export class Lobby {
  readonly #seats: number
  readonly #longestMs: number
  /** The newest last. */
  readonly #waiting: Waiting[] = []
  #review: NodeJS.Timeout | undefined

  constructor(seats: number, longestMs: number) {
    this.#seats = seats
    this.#longestMs = longestMs
  }

  wait(guest: Guest, now: number): Admission | Promise<Admission> {
    const [oldest] = this.#waiting
    if (this.#waiting.length >= this.#seats) {
      if (oldest === undefined || now - oldest.since < REVIEW_MS) return guest.giveUp(now)
      this.#sendBack(oldest, now)
    }
    return new Promise((admit) => {
      this.#waiting.push({ ...guest, since: now, admit })
      this.#review ??= setInterval(() => this.#look(Date.now()), REVIEW_MS)
    })
  }

  close(): void {
    for (const guest of [...this.#waiting]) this.#sendBack(guest, Date.now())
  }

  #look(now: number): void {
    for (const guest of this.#waiting.toReversed()) {
      const admission = guest.enter(now)
      if (admission !== undefined) this.#settle(guest, admission)
      else if (now - guest.since >= this.#longestMs) this.#sendBack(guest, now)
    }
  }

  #sendBack(guest: Waiting, now: number): void {
    this.#settle(guest, guest.giveUp(now))
  }

  #settle(guest: Waiting, admission: Admission): void {
    this.#waiting.splice(this.#waiting.indexOf(guest), 1)
    guest.admit(admission)
    if (this.#waiting.length > 0) return
    clearInterval(this.#review)
    this.#review = undefined
  }
}
