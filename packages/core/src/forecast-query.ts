import { TimerError } from './errors.ts'
import type { ForecastQuery } from './store-port.ts'
import { filterInstant } from './timer-filter.ts'

const FIELDS = ['from', 'to', 'bucket']
export const MOST_BUCKETS = 1_440
const DEFAULT_SPAN_MS = 3_600_000
const DEFAULT_BUCKET_SECONDS = 60
/** Longest bucket, in seconds. */
const MAX_BUCKET = 999_999_999

/**
 * Reads what a forecast is asked for: an hour from now, by minutes, where nothing else is said.
 *
 * @throws TimerError `INVALID_FILTER`
 */
export function parseForecastQuery(query: Readonly<Record<string, unknown>>, now: number): ForecastQuery {
  const stranger = Object.keys(query).find((name) => !FIELDS.includes(name))
  if (stranger !== undefined) {
    refuse(stranger.slice(0, 64), `a forecast takes ${FIELDS.join(', ')}, and nothing else`)
  }
  const from = query.from === undefined ? now : filterInstant('from', query.from)
  const to = query.to === undefined ? from + DEFAULT_SPAN_MS : filterInstant('to', query.to)
  const bucketMs = 1_000 * bucketSeconds(query.bucket)
  if (to <= from) refuse('to', 'to must be later than from, which is now where it is not given')
  if ((to - from) / bucketMs > MOST_BUCKETS) {
    const least = Math.ceil((to - from) / 1_000 / MOST_BUCKETS)
    refuse('bucket', `bucket must be at least ${least} here: there are at most ${MOST_BUCKETS} buckets`)
  }
  return { from, to, bucketMs }
}

function bucketSeconds(value: unknown): number {
  if (value === undefined) return DEFAULT_BUCKET_SECONDS
  const seconds = typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : 0
  if (seconds >= 1) return seconds
  return refuse('bucket', `bucket must be a whole number of seconds from 1 to ${MAX_BUCKET}`)
}

function refuse(field: string, message: string): never {
  throw new TimerError('INVALID_FILTER', message, { field })
}
