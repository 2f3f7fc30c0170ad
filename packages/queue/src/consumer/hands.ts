/**
 * Hands that are at work at a time in a process, and do not only wait for a receiver. More of them would take timers out
 * of Redis faster than they can be sent: five to ten times slower in a burst (docs/adr/0006-origin-gate.md).
 */
const WORKING = 100
/** Several Workers of smaller concurrency ramp up in parallel: each fetches its jobs one after the other. */
const WORKERS = 4
/**
 * A hand whose claim was granted this long ago only waits for its receiver: that costs memory and no processor time. Under
 * full load a request takes some 25 ms.
 */
const MOMENT_MS = 100

/** One timer in hand. */
export interface Hand {
  /** Its request is about to leave. `makeRoom` is called when it has come to wait, and another may be taken beside it. */
  sending(makeRoom: () => void): void
  /** It is done with; to be called once. */
  done(): void
}

/**
 * The hands that this process has for one shard: a few that work, and as many as only wait for their receivers, up to
 * `total` together.
 */
export class Hands {
  readonly total: number
  /** How many each of the shard's BullMQ Workers works with. */
  readonly perWorker: readonly number[]
  readonly #working: number
  readonly #queue = new Set<() => void>()
  #inFlight = 0
  #waiting = 0
  #taken = 0

  /** @param shards among how many shards of the process the working hands are shared out */
  constructor(total: number, shards: number) {
    this.total = total
    this.#working = Math.min(total, Math.ceil(WORKING / shards))
    this.perWorker = shares(this.#working, Math.min(this.#working, Math.max(1, Math.floor(WORKERS / shards))))
  }

  /** Shares hands out among shards; no shard gets none where there are enough for all. */
  static shareOut(total: number, shards: number): Hands[] {
    return shares(total, shards).map((each) => new Hands(each, shards))
  }

  /** Timers in hand. */
  get inFlight(): number {
    return this.#inFlight
  }

  /** Timers taken so far. */
  get taken(): number {
    return this.#taken
  }

  /** Whether every hand that may work does. */
  get full(): boolean {
    return this.#inFlight - this.#waiting >= this.#working
  }

  take(): Hand {
    this.#inFlight += 1
    this.#taken += 1
    let timer: NodeJS.Timeout | undefined
    let come: (() => void) | undefined
    let waits = false
    return {
      sending: (makeRoom) => {
        come = () => {
          waits = true
          this.#waiting += 1
          makeRoom()
        }
        timer ??= setTimeout(() => come !== undefined && this.#wait(come), MOMENT_MS)
      },
      done: () => {
        clearTimeout(timer)
        this.#inFlight -= 1
        if (come !== undefined) this.#queue.delete(come)
        if (waits) this.#waiting -= 1
        this.#letWait()
      },
    }
  }

  /** Where all hands are full, those that wait hold on to their place until one is done. */
  #wait(come: () => void): void {
    this.#queue.add(come)
    this.#letWait()
  }

  #letWait(): void {
    for (const come of this.#queue) {
      if (this.#waiting >= this.total - this.#working) return
      this.#queue.delete(come)
      come()
    }
  }
}

/** `total` in `parts` whole numbers, as even as can be. */
function shares(total: number, parts: number): number[] {
  const rest = total % parts
  return Array.from({ length: parts }, (_, part) => Math.floor(total / parts) + (part < rest ? 1 : 0))
}
