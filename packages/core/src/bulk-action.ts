import { createHash, randomBytes } from 'node:crypto'
import { type Onward, readBulkCursor, writeBulkCursor } from './bulk-cursor.ts'
import type { Clock } from './clock.ts'
import { TimerError, type TimerErrorCode } from './errors.ts'
import { parseIdempotencyKey } from './idempotency-key.ts'
import type { Log } from './ports.ts'
import type { Acted, TimerPage, TimerPosition, TimerQuery, TimerStore } from './store-port.ts'
import type { TimerRecord, TimerStatus } from './timer.ts'
import { parseTimerFilter } from './timer-filter.ts'

/** Most timers of one step. */
export const MOST_AT_ONCE = 1_000
/** Redrives a second that a walk may ask for. */
export const MOST_PER_SECOND = 10_000
/** How long a step works: the rest of the two seconds is for the way. */
const STEP_MS = 1_700
/** Before all timers there are. */
const START: TimerPosition = { dueAt: 0, id: 1 }

/** One step over many timers, as it is asked for. */
export interface BulkRequest {
  /** As in a list, unread. */
  readonly filter: Readonly<Record<string, unknown>> | undefined
  /** 1 to `MOST_AT_ONCE`. */
  readonly limit: number | undefined
  /** Where the last step ended. */
  readonly cursor: string | undefined
  /** Only counts. */
  readonly dryRun: boolean | undefined
}

export interface BulkRedriveRequest extends BulkRequest {
  /** How many are sent a second, over all steps; absent: at once. */
  readonly perSecond: number | undefined
  /** As the client sent it: under one key no timer is redriven twice. */
  readonly idempotencyKey: string | undefined
}

interface Skipped {
  readonly id: number
  readonly code: TimerErrorCode | 'TIMER_NOT_FOUND' | 'INTERNAL_ERROR'
}

export interface BulkStep {
  /** Timers that passed the filter, and of which it is known what came. */
  readonly matched: number
  readonly done: number
  readonly skipped: readonly Skipped[]
  /** Of the next step; absent at the end. */
  readonly cursor: string | undefined
}

export interface BulkDeps {
  readonly store: TimerStore
  readonly clock: Clock
  readonly log: Log
}

/**
 * Cancels up to `limit` of the timers that pass a filter, the earliest first; without a status in it, those that are not
 * finished. A timer that cannot be cancelled is told with the reason, and stops no other.
 *
 * @throws TimerError `INVALID_FILTER`, `INVALID_CURSOR`, and `STORE_UNAVAILABLE` or `STORE_REFUSED` where nothing is known
 * to be done
 */
export function cancelMany(request: BulkRequest, deps: BulkDeps): Promise<BulkStep> {
  const { store } = deps
  return step(
    request,
    deps,
    ['pending', 'firing'],
    randomBytes(16).toString('base64url'),
    (timers, _walk, withinMs) => ({
      acted: store.cancelAll(timers.map(refOf), withinMs),
      nextFrom: () => undefined,
    }),
  )
}

/**
 * Sends up to `limit` of the timers that pass a filter again; without a status in it, those that are `failed` or `unknown`.
 * A walk, whatever is sent again of it, redrives each timer once.
 *
 * @throws TimerError as `cancelMany`, and `INVALID_IDEMPOTENCY_KEY`
 */
export async function redriveMany(request: BulkRedriveRequest, deps: BulkDeps): Promise<BulkStep> {
  const { store, clock } = deps
  const { perSecond, idempotencyKey } = request
  const fresh =
    idempotencyKey === undefined
      ? randomBytes(16)
      : createHash('sha256').update(parseIdempotencyKey(idempotencyKey)).digest().subarray(0, 16)
  return step(
    request,
    deps,
    ['failed', 'unknown'],
    fresh.toString('base64url'),
    (timers, { walk, sendFrom = 0 }, withinMs) => {
      const start = Math.max(clock.now(), sendFrom)
      const sendAt = (place: number) =>
        perSecond === undefined ? undefined : start + Math.floor((place * 1_000) / perSecond)
      const redrives = timers.map((timer, place) => ({ ref: refOf(timer), at: sendAt(place) }))
      return { acted: store.redriveAll(redrives, walk, withinMs), nextFrom: sendAt }
    },
  )
}

type Act = (
  timers: readonly TimerRecord[],
  onward: Pick<Onward, 'walk'> & Partial<Onward>,
  withinMs: number,
) => {
  readonly acted: Promise<readonly Acted[]>
  /** When what comes after so many timers may begin to be sent. */
  nextFrom(count: number): number | undefined
}

async function step(
  request: BulkRequest,
  deps: BulkDeps,
  statuses: readonly TimerStatus[],
  freshWalk: string,
  act: Act,
): Promise<BulkStep> {
  const { clock } = deps
  const until = clock.now() + STEP_MS
  const listing = listingOf(request, statuses)
  const given = request.cursor === undefined ? undefined : readBulkCursor(request.cursor, listing)
  const onward = { walk: freshWalk, ...given }
  const query = { ...listing, limit: request.limit ?? MOST_AT_ONCE, after: onward.after }
  const { timers, next } = await within(STEP_MS, deps.store.list(query))
  const cursorAt = (after: TimerPosition, sendFrom: number | undefined) =>
    writeBulkCursor({ after, walk: onward.walk, sendFrom }, listing)

  if (request.dryRun === true) {
    const cursor = next && cursorAt(next, onward.sendFrom)
    return { matched: timers.length, done: 0, skipped: [], cursor }
  }
  const { acted, nextFrom } = act(timers, onward, Math.max(0, until - clock.now()))
  const { done, skipped, open } = tally(timers, await acted, deps.log)
  if (open === undefined) {
    const cursor = next && cursorAt(next, nextFrom(timers.length))
    return { matched: timers.length, done, skipped, cursor }
  }
  if (done === 0 && skipped.length === 0) throw open.error
  // On from before the first of which nothing is known; what was done behind it is done, and is not found again.
  const before = timers[open.place - 1]
  const after = before === undefined ? (onward.after ?? START) : { dueAt: before.dueAt, id: before.id }
  return { matched: done + skipped.length, done, skipped, cursor: cursorAt(after, nextFrom(open.place)) }
}

/** @throws TimerError `INVALID_FILTER` */
function listingOf(
  { filter }: BulkRequest,
  statuses: readonly TimerStatus[],
): Pick<TimerQuery, 'filter' | 'order'> {
  if (filter === undefined || Object.keys(filter).length === 0) {
    throw new TimerError(
      'INVALID_FILTER',
      'filter must name at least one of status, due_after, due_before, label and origin: all timers at once is never meant',
      { field: 'filter' },
    )
  }
  return { filter: { statuses, ...parseTimerFilter(filter) }, order: 'asc' }
}

/** What came of each; `open` is the first of which that is not known. */
function tally(timers: readonly TimerRecord[], acted: readonly Acted[], log: Log) {
  let done = 0
  const skipped: Skipped[] = []
  let open: { readonly place: number; readonly error: Error } | undefined
  for (const [place, { id }] of timers.entries()) {
    const outcome = acted[place]
    if (outcome === 'done') done += 1
    else if (outcome === 'missing' || outcome === undefined) skipped.push({ id, code: 'TIMER_NOT_FOUND' })
    else if (!(outcome instanceof TimerError)) {
      log.error({ timerId: id, err: outcome }, 'a timer was skipped: an unexpected error')
      skipped.push({ id, code: 'INTERNAL_ERROR' })
    } else if (outcome.code === 'STORE_UNAVAILABLE' || outcome.code === 'STORE_REFUSED') {
      open ??= { place, error: outcome }
    } else skipped.push({ id, code: outcome.code })
  }
  return { done, skipped, open }
}

function refOf({ id, owner }: TimerRecord) {
  return { id, owner }
}

async function within(ms: number, page: Promise<TimerPage>): Promise<TimerPage> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    const error = () => new TimerError('STORE_UNAVAILABLE', 'Redis cannot be reached at the moment')
    timer = setTimeout(() => reject(error()), ms)
  })
  try {
    return await Promise.race([page, late])
  } finally {
    clearTimeout(timer)
  }
}
