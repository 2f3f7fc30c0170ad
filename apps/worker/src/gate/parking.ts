import type { Admission } from '@timers/core'
import type { Host } from './host.ts'
import type { Line } from './lines.ts'

/** How often those in hand are looked at again, in milliseconds. */
const REVIEW_MS = 25

/** A timer that wants to pass. */
export interface Visitor {
  /** Epoch ms. */
  readonly dueAt: number
  readonly line: Line
}

export interface Parked extends Visitor {
  readonly admit: (admission: Admission | Promise<Admission>) => void
}

/** Those who wait in hand for a place at an origin, in the order in which they came. The host counts them, too. */
export class Parking {
  readonly #host: Host
  readonly #review: () => void
  readonly #parked: Parked[] = []
  #timer: NodeJS.Timeout | undefined

  /** @param review called every now and then while somebody waits: also others give places back */
  constructor(host: Host, review: () => void) {
    this.#host = host
    this.#review = review
  }

  get size(): number {
    return this.#parked.length
  }

  holdsAnyOf(line: Line): boolean {
    return this.#parked.some((one) => one.line === line)
  }

  park(visitor: Visitor): Promise<Admission> {
    return new Promise((admit) => {
      this.#parked.push({ ...visitor, admit })
      this.#host.parked += 1
      this.#timer ??= setInterval(this.#review, REVIEW_MS)
    })
  }

  /** Takes out the first who has a place, if one has. */
  takeFirst(hasPlace: (visitor: Visitor) => boolean): Parked | undefined {
    const first = this.#parked.findIndex(hasPlace)
    return first < 0 ? undefined : this.#take(first, 1)[0]
  }

  takeAll(): Parked[] {
    return this.#take(0, this.#parked.length)
  }

  #take(from: number, count: number): Parked[] {
    const taken = this.#parked.splice(from, count)
    this.#host.parked -= taken.length
    if (this.#parked.length === 0) {
      clearInterval(this.#timer)
      this.#timer = undefined
    }
    return taken
  }
}
