import { readCursor, writeCursor } from './cursor.ts'
import { TimerError } from './errors.ts'
import type { TimerStore } from './store-port.ts'
import type { TimerRecord } from './timer.ts'
import { parseTimerFilter } from './timer-filter.ts'

export const MOST_LISTED = 1_000
const DEFAULT_LISTED = 100
const BESIDE_FILTERS = ['order', 'limit', 'cursor'] as const

export interface ListedTimers {
  readonly timers: readonly TimerRecord[]
  /** For the next page; undefined at the end. */
  readonly cursor: string | undefined
}

/**
 * One page of timers, as a query asks for it.
 *
 * @throws TimerError `INVALID_FILTER`, `INVALID_CURSOR`, or what `TimerStore.list` throws
 */
export async function listTimers(
  query: Readonly<Record<string, unknown>>,
  store: Pick<TimerStore, 'list'>,
): Promise<ListedTimers> {
  const listing = { filter: parseTimerFilter(query, BESIDE_FILTERS), order: parseOrder(query.order) }
  const limit = parseLimit(query.limit)
  const after = query.cursor === undefined ? undefined : readCursor(query.cursor, listing)
  const { timers, next } = await store.list({ ...listing, limit, after })
  return { timers, cursor: next && writeCursor(next, listing) }
}

function parseOrder(value: unknown): 'asc' | 'desc' {
  if (value === undefined || value === 'asc' || value === 'desc') return value ?? 'asc'
  throw new TimerError('INVALID_FILTER', 'order must be asc or desc', { field: 'order' })
}

function parseLimit(value: unknown): number {
  if (value === undefined) return DEFAULT_LISTED
  const limit = typeof value === 'string' && /^\d{1,4}$/.test(value) ? Number(value) : 0
  if (limit >= 1 && limit <= MOST_LISTED) return limit
  throw new TimerError('INVALID_FILTER', `limit must be a whole number from 1 to ${MOST_LISTED}`, {
    field: 'limit',
  })
}
