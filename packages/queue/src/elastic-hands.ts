/**
 * A hand whose request has been under way for this long only waits for its receiver: that costs memory and no processor
 * time. Under full load a request takes some 25 ms.
 */
const MOMENT_MS = 100

/** One timer in hand. */
export interface Hand {
  /** Its request is about to leave. */
  sending(): void
  /** It is done with; to be called once. */
  done(): void
}

/**
 * How many timers a worker may have in hand: `working` of them, and beside those as many as only wait, up to `most`.
 *
 * With a fixed number one would have to choose: a small one is filled by a few silent receivers, and a large one takes
 * timers out of Redis faster than they can be sent, which was five to ten times slower in a burst.
 */
export class ElasticHands {
  readonly #working: number
  readonly #most: number
  readonly #changed: (limit: number) => void
  #waiting = 0

  constructor(working: number, most: number, changed: (limit: number) => void) {
    this.#working = Math.min(working, most)
    this.#most = most
    this.#changed = changed
  }

  get limit(): number {
    return Math.min(this.#most, this.#working + this.#waiting)
  }

  take(): Hand {
    let timer: NodeJS.Timeout | undefined
    let waits = false
    return {
      sending: () => {
        timer ??= setTimeout(() => {
          waits = true
          this.#count(1)
        }, MOMENT_MS)
      },
      done: () => {
        clearTimeout(timer)
        if (waits) this.#count(-1)
      },
    }
  }

  #count(change: 1 | -1): void {
    const before = this.limit
    this.#waiting += change
    if (this.limit !== before) this.#changed(this.limit)
  }
}
