import type { Shard } from '../shards/shards.ts'
import { compare, isBefore, type Order, type Place } from './place.ts'
import { type Flat, withScripts } from './scripts.ts'
import type { Source } from './sources.ts'

/** Members of one set that one look reads: the longest look (of five sets) stays well below 2 ms (docs/benchmarks.md). */
const LOOK = 128

/** Between which places a listing runs: from after `start` on to before `end`. */
export interface Range {
  readonly order: Order
  readonly start: Place
  readonly end: Place
}

/** Places of which it is known up to where they are all there. */
interface Row {
  /** What was found and not taken, in order. */
  readonly found: Place[]
  /** Up to here all is found; undefined: there is no more. */
  reached: Place | undefined
  /** Finds more. */
  readonly look: () => Promise<void>
}

/**
 * The places of timers in several shards as one row, in order, each once. It reads on as it is asked to, a bounded step of
 * each shard at a time.
 */
export class PlaceStream {
  readonly #order: Order
  readonly #rows: readonly Row[]
  #last: Place

  /** @param known places that are to be in the row beside those that the shards tell */
  constructor(
    shards: readonly (readonly [Shard, readonly Source[]])[],
    range: Range,
    known: readonly Place[],
  ) {
    this.#order = range.order
    this.#last = range.start
    this.#rows = [
      knownRow(known, range),
      ...shards.map(([shard, sources]) => shardRow(shard, sources, range)),
    ]
  }

  /** Up to where all was taken; undefined where nothing is left. */
  get reached(): Place | undefined {
    const bound = this.#bound()
    const left = this.#rows.some(({ found }) => found.length > 0)
    if (bound === undefined) return left ? this.#last : undefined
    // Of what was found, nothing comes before the bound.
    return this.#nearest() === undefined ? this.#later(bound, this.#last) : this.#last
  }

  /** The next places, at most so many: of one look at each shard, so they may be few, or none, before the end. */
  async take(most: number): Promise<Place[]> {
    await Promise.all(this.#rows.map((row) => row.found.length === 0 && row.reached && row.look()))
    const taken: Place[] = []
    while (taken.length < most) {
      const row = this.#nearest()
      const place = row?.found[0]
      if (row === undefined || place === undefined) break
      row.found.shift()
      // A timer may lie in two sets, and be in hand besides.
      if (compare(place, this.#last, this.#order) > 0) taken.push(place)
      this.#last = this.#later(place, this.#last)
    }
    return taken
  }

  /** The row whose next place comes first; undefined where there is none, or another row may tell of one before it. */
  #nearest(): Row | undefined {
    let nearest: Row | undefined
    for (const row of this.#rows) {
      const [first] = row.found
      const other = nearest?.found[0]
      if (first !== undefined && (other === undefined || isBefore(first, other, this.#order))) nearest = row
    }
    const [bound, place] = [this.#bound(), nearest?.found[0]]
    return place !== undefined && bound !== undefined && isBefore(bound, place, this.#order)
      ? undefined
      : nearest
  }

  /** Up to where all of the rows that have to look again are known; undefined where none has. */
  #bound(): Place | undefined {
    let bound: Place | undefined
    for (const { found, reached } of this.#rows) {
      if (found.length === 0 && reached !== undefined) {
        bound = bound === undefined || isBefore(reached, bound, this.#order) ? reached : bound
      }
    }
    return bound
  }

  #later(a: Place, b: Place): Place {
    return isBefore(a, b, this.#order) ? b : a
  }
}

function knownRow(places: readonly Place[], { order, start, end }: Range): Row {
  const found = places
    .filter((place) => isBefore(start, place, order) && isBefore(place, end, order))
    .sort((a, b) => compare(a, b, order))
  return { found, reached: undefined, look: async () => {} }
}

function shardRow(shard: Shard, sources: readonly Source[], { order, start, end }: Range): Row {
  const row: Row = {
    found: [],
    reached: sources.length === 0 ? undefined : start,
    look: async () => {
      if (row.reached === undefined) return
      const { places, reached } = await look(shard, sources, order, row.reached)
      row.found.push(...places.filter((place) => isBefore(place, end, order)))
      row.reached = reached !== undefined && isBefore(reached, end, order) ? reached : undefined
    },
  }
  return row
}

/** One look at all sources of a shard: the places after `from`, and up to where these are all; undefined: to the end. */
async function look(
  { reads }: Shard,
  sources: readonly Source[],
  order: Order,
  from: Place,
): Promise<{ places: Place[]; reached: Place | undefined }> {
  const names = [...new Set(sources.flatMap(({ key, except }) => [key, ...except]))]
  const numberOf = (key: string) => names.indexOf(key) + 1
  const asked = sources.map(({ key, perMs, except }) =>
    [numberOf(key), perMs, ...except.map(numberOf)].join(' '),
  )
  const parts = await withScripts(reads).timersPage(
    names.length,
    ...names,
    order,
    from.dueAt,
    from.jobId,
    LOOK,
    ...asked,
  )
  const found = parts.map((part, at) => toPlaces(part, sources[at]?.perMs ?? 1))
  const reached = found
    .flatMap(({ last }) => (last === undefined ? [] : [last]))
    .sort((a, b) => compare(a, b, order))[0]
  const places = found
    .flatMap((each) => each.places)
    .filter((place) => reached === undefined || compare(place, reached, order) <= 0)
    .sort((a, b) => compare(a, b, order))
  return { places, reached }
}

/** `last`: up to where the places are all; undefined where the set has no more. */
function toPlaces(part: Flat, perMs: number): { places: Place[]; last: Place | undefined } {
  const [more, lastId, lastScore, ...flat] = part
  const place = (jobId: unknown, score: unknown): Place => ({
    dueAt: Math.floor(Number(score) / perMs),
    jobId: String(jobId),
  })
  const places: Place[] = []
  for (let at = 0; at < flat.length; at += 2) places.push(place(flat[at], flat[at + 1]))
  return { places, last: more === 1 ? place(lastId, lastScore) : undefined }
}
