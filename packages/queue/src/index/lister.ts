import {
  DEFAULT_OWNER,
  originOf,
  TIMER_STATUSES,
  type TimerFilter,
  type TimerPage,
  type TimerQuery,
  type TimerRecord,
} from '@timers/core'
import { timerIdOf } from '../shards/shard-keys.ts'
import type { Shard, Shards } from '../shards/shards.ts'
import { toRecord } from '../timers/stored-timer.ts'
import { readInHand } from './in-hand.ts'
import { compare, isBefore, type Place, placeOf, positionOf } from './place.ts'
import { PlaceStream, type Range } from './place-stream.ts'
import { sourcesOf } from './sources.ts'

/** Timers that a page reads beyond those that it shows, where no set says whether they pass the filter. */
const READ_BEYOND = 1_000
/** Most looks at the sets of a page, where what they tell is to be left out. */
const LOOKS = 60
/** How long a page reads on: short of the time in which it must be answered, so that it gets on however slow Redis is. */
const READ_MS = 1_000
/** Timers that are read at a time. */
const TOGETHER = 128
/** Only what is due is in hand, by the clock of some worker. */
const CLOCKS_DIFFER_MS = 60_000
/** Latest instant that a Date knows, epoch ms. */
const LATEST = 8.64e15

interface Found {
  readonly place: Place
  readonly record: TimerRecord
}

/**
 * Lists timers, page by page, in the order of their due times over all shards.
 *
 * What stands still has one place in this order, and lies at it in some set at any moment; each look is one moment, and goes
 * on behind the last place. So it is neither skipped nor shown twice, whatever others do between two looks or pages. Only
 * what a worker takes into its hands is in no set meanwhile: those are looked at before and after the sets.
 */
export class Lister {
  readonly #shards: Shards

  constructor(shards: Shards) {
    this.#shards = shards
  }

  async list(query: TimerQuery, now = Date.now()): Promise<TimerPage> {
    const { filter, limit } = query
    const range = rangeOf(query)
    const inHand = await this.#inHand(filter, range, now)
    const stream = new PlaceStream(
      this.#shards.all.map((shard) => [shard, sourcesOf(filter, shard.keys).sets]),
      range,
      inHand,
    )
    const { found, reached } = await this.#collect(stream, filter, limit)
    const seen = [...inHand, ...found.map(({ place }) => place)]
    const late = await this.#takenMeanwhile(seen, { ...range, end: reached ?? range.end }, filter, now)
    if (late.length === 0) return toPage(found, reached)
    const all = [...found, ...late].sort((a, b) => compare(a.place, b.place, range.order))
    const shown = all.slice(0, limit)
    return toPage(shown, all.length > shown.length ? shown.at(-1)?.place : reached)
  }

  /** Reads on until the page is full, nothing is left, or enough was looked at, or for long enough. */
  async #collect(stream: PlaceStream, filter: TimerFilter, limit: number) {
    const found: Found[] = []
    const until = performance.now() + READ_MS
    let read = 0
    for (let looks = 0; looks < LOOKS && read < limit + READ_BEYOND; looks += 1) {
      if (looks > 0 && performance.now() > until) break
      // One more than is wanted, to know whether there is a next page; more where not all that is read is shown.
      const wanted = read > found.length ? TOGETHER : limit - found.length + 1
      const places = await stream.take(Math.min(TOGETHER, wanted))
      read += places.length
      for (const [at, each] of (await this.#read(places, filter)).entries()) {
        if (each !== undefined && found.length === limit) {
          return { found, reached: found.at(-1)?.place }
        }
        if (each !== undefined) found.push({ place: places[at] as Place, record: each })
      }
      if (stream.reached === undefined) break
    }
    return { found, reached: stream.reached }
  }

  /** The timers at these places; undefined for what is not there (any more), or does not pass the filter. */
  #read(places: readonly Place[], filter: TimerFilter): Promise<(TimerRecord | undefined)[]> {
    return Promise.all(
      places.map(async ({ jobId, dueAt }) => {
        const id = timerIdOf(jobId)
        const { reads, keys } = this.#shards.of(id)
        const record = toRecord(id, await reads.hgetall(keys.key(jobId)))
        return record?.dueAt === dueAt && passes(record, filter) ? record : undefined
      }),
    )
  }

  async #inHand(filter: TimerFilter, range: Range, now: number): Promise<Place[]> {
    const latest = now + CLOCKS_DIFFER_MS
    const earliest = range.order === 'asc' ? range.start : range.end
    const looks = (shard: Shard) => sourcesOf(filter, shard.keys).inHand && earliest.dueAt <= latest
    const hands = await Promise.all(this.#shards.all.filter(looks).map(readInHand))
    const { statuses = TIMER_STATUSES } = filter
    // Others would be read in vain: in a burst there are thousands of them.
    const [pending, firing] = [statuses.includes('pending'), statuses.includes('firing')]
    return hands.flat().filter((hand) => !hand.isCallback && (hand.firing ? firing : pending))
  }

  /** What came into a worker's hands and was not seen: it may have left its set before that was looked at. */
  async #takenMeanwhile(
    seen: readonly Place[],
    range: Range,
    filter: TimerFilter,
    now: number,
  ): Promise<Found[]> {
    const known = new Set(seen.map(({ jobId }) => jobId))
    const places = (await this.#inHand(filter, range, now)).filter(
      (place) =>
        !known.has(place.jobId) &&
        isBefore(range.start, place, range.order) &&
        compare(place, range.end, range.order) <= 0,
    )
    const records = await this.#read(places, filter)
    return places.flatMap((place, at) => {
      const record = records[at]
      return record === undefined ? [] : [{ place, record }]
    })
  }
}

function rangeOf({ filter, order, after }: TimerQuery): Range {
  const { dueFrom = 0, dueBefore = LATEST } = filter
  const [low, high] = [dueFrom, dueBefore].map((dueAt) => ({ dueAt, jobId: '' })) as [Place, Place]
  const [first, end] = order === 'asc' ? [low, high] : [high, low]
  const last = after && placeOf(after)
  return { order, end, start: last !== undefined && isBefore(first, last, order) ? last : first }
}

/** Callbacks are no timers of a client's. */
function passes(record: TimerRecord, { owner, statuses, label, origin }: TimerFilter): boolean {
  return (
    record.callbackOf === undefined &&
    (owner === undefined || record.owner === owner) &&
    (statuses === undefined || statuses.includes(record.status)) &&
    (label === undefined || (record.labels ?? []).includes(label)) &&
    (label === undefined || owner !== undefined || record.owner === DEFAULT_OWNER) &&
    (origin === undefined || originOf(record.url) === origin)
  )
}

function toPage(found: readonly Found[], reached: Place | undefined): TimerPage {
  return {
    timers: found.map(({ record }) => record),
    next: reached && positionOf(reached),
  }
}
