import type { Log } from '@timers/core'

/** Where a shard is. */
export interface ShardPlace {
  readonly shard: number
  /** The node that is to serve it; undefined where none is known. */
  readonly node: string | undefined
  /** Whether it does: it can be reached, and is verified. */
  readonly served: boolean
}

/** How long a shard must be away to be worth a word, in milliseconds: at a failover that was planned none is. */
const AWAY_FOR_MS = 1_000
/** For how long nothing must have moved until it is said what has: shards of one node move together. */
const STILL_FOR_MS = 150
/** For how long nothing must have moved until the spread is judged: while slots are moved, it is uneven. */
const SETTLED_FOR_MS = 30_000

/**
 * Tells in the log which node serves which shards: once at the start, once when some are served by another node, and once when
 * some are not served and when they are again. Not once a connection, and not once a command: a failover is an everyday thing.
 */
export class ShardNews {
  readonly #log: Log
  /** What was said last of each shard. */
  readonly #said = new Map<number, string>()
  readonly #awaySince = new Map<number, number>()
  #lastPlaces = ''
  #changedAt = 0
  #saidAway = ''
  #isEven: boolean | undefined

  constructor(log: Log) {
    this.#log = log
  }

  /** To be called after each look, and when a node was verified. `now` in milliseconds of a clock that nobody sets. */
  tell(places: readonly ShardPlace[], advice: string | undefined, now = performance.now()): void {
    this.#tellMoves(places, now)
    this.#tellAway(places, now)
    this.#tellAdvice(advice, now)
  }

  /** At the start, and where slots were moved so that it became uneven. */
  #tellAdvice(advice: string | undefined, now: number): void {
    if (this.#said.size === 0) return
    if (this.#isEven !== undefined && now - this.#changedAt < SETTLED_FOR_MS) return
    if (advice !== undefined && this.#isEven !== false) {
      this.#log.warn({}, `shards are spread unevenly: ${advice}`)
    }
    this.#isEven = advice === undefined
  }

  #tellMoves(places: readonly ShardPlace[], now: number): void {
    const present = places.map(({ node }) => node).join()
    if (present !== this.#lastPlaces) {
      this.#lastPlaces = present
      this.#changedAt = now
    }
    const isNew = this.#said.size === 0
    if (isNew ? !isKnown(places) : now - this.#changedAt < STILL_FOR_MS) return
    const moved = places.filter(({ shard, node }) => node !== undefined && this.#said.get(shard) !== node)
    if (moved.length === 0) return
    if (isNew) this.#log.info({ shards: countsOf(places) }, 'shards of each primary')
    else this.#log.info({ moved: this.#waysOf(moved), shards: countsOf(places) }, 'shards have moved')
    for (const { shard, node } of moved) this.#said.set(shard, node as string)
  }

  #tellAway(places: readonly ShardPlace[], now: number): void {
    for (const { shard, served } of places) {
      if (served) this.#awaySince.delete(shard)
      else if (!this.#awaySince.has(shard)) this.#awaySince.set(shard, now)
    }
    const away = places.filter(({ shard }) => now - (this.#awaySince.get(shard) ?? now) >= AWAY_FOR_MS)
    const said = away.map(({ shard }) => shard).join()
    if (said === this.#saidAway) return
    if (away.length > 0) {
      const nodes = [...new Set(away.map(({ node }) => node ?? 'unknown'))]
      this.#log.warn({ shards: said, nodes }, 'shards are not served: their node cannot be reached')
    } else if (places.every(({ served }) => served)) {
      this.#log.info({ shards: this.#saidAway }, 'shards are served again')
    }
    this.#saidAway = said
  }

  /** `from -> to`, and the numbers of the shards that went this way. */
  #waysOf(moved: readonly ShardPlace[]): Record<string, string> {
    const ways: Record<string, string> = {}
    for (const { shard, node } of moved) {
      const way = `${this.#said.get(shard) ?? 'nobody'} -> ${node}`
      ways[way] = ways[way] === undefined ? String(shard) : `${ways[way]},${shard}`
    }
    return ways
  }
}

/** One that serves has told how many shards there are: before, that is what the settings say. */
function isKnown(places: readonly ShardPlace[]): boolean {
  return places.some(({ served }) => served) && places.every(({ node }) => node !== undefined)
}

function countsOf(places: readonly ShardPlace[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { node } of places) if (node !== undefined) counts[node] = (counts[node] ?? 0) + 1
  return counts
}
