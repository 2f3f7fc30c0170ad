/** Several Workers of smaller concurrency ramp up in parallel: each fetches its jobs one after the other. */
const WORKERS_PER_PROCESS = 4

/** The hands that this process has for one shard, and what is in them. */
export class Hands {
  readonly total: number
  #inFlight = 0
  #taken = 0

  constructor(total: number) {
    this.total = total
  }

  /** Shares hands out among shards; no shard gets none where there are enough for all. */
  static shareOut(total: number, shards: number): Hands[] {
    return shares(total, shards).map((each) => new Hands(each))
  }

  /** Timers in hand. */
  get inFlight(): number {
    return this.#inFlight
  }

  /** Timers taken so far. */
  get taken(): number {
    return this.#taken
  }

  get full(): boolean {
    return this.#inFlight >= this.total
  }

  count(change: 1 | -1): void {
    this.#inFlight += change
    if (change === 1) this.#taken += 1
  }

  /** How many hands each of the BullMQ Workers of a shard gets, where the process has this many shards. */
  perWorker(shards: number): number[] {
    const workers = Math.min(this.total, Math.max(1, Math.floor(WORKERS_PER_PROCESS / shards)))
    return shares(this.total, workers)
  }
}

/** `total` in `parts` whole numbers, as even as can be. */
function shares(total: number, parts: number): number[] {
  const rest = total % parts
  return Array.from({ length: parts }, (_, part) => Math.floor(total / parts) + (part < rest ? 1 : 0))
}
