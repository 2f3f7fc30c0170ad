import { createHash } from 'node:crypto'
import { TimerError } from './errors.ts'
import type { TimerFilter, TimerPosition, TimerQuery } from './store-port.ts'

type Listing = Pick<TimerQuery, 'filter' | 'order'>

/** Latest instant that a Date knows, epoch milliseconds. */
const LATEST = 8.64e15

/**
 * A cursor: where a page ended, and a digest of what was asked for, as one opaque text.
 *
 * It is not signed. Whoever writes one by hand begins at another place of what they may see anyway: whose timers are listed,
 * and which, is said by the request that brings it.
 */
export function writeCursor(position: TimerPosition, listing: Listing): string {
  return Buffer.from(`${position.dueAt}.${position.id}.${digestOf(listing)}`).toString('base64url')
}

/** @throws TimerError `INVALID_CURSOR`, also where it belongs to another listing */
export function readCursor(cursor: unknown, listing: Listing): TimerPosition {
  const text = typeof cursor === 'string' ? Buffer.from(cursor, 'base64url').toString('latin1') : ''
  const [, due, id, digest] = /^(\d{1,16})\.([1-9]\d{0,15})\.([\w-]+)$/.exec(text) ?? []
  const position = { dueAt: Number(due), id: Number(id) }
  if (digest === undefined || position.dueAt > LATEST || !Number.isSafeInteger(position.id)) {
    throw new TimerError('INVALID_CURSOR', 'cursor must be a next_cursor as it was answered', {
      field: 'cursor',
    })
  }
  if (digest !== digestOf(listing)) {
    throw new TimerError(
      'INVALID_CURSOR',
      'cursor belongs to other filters or another order: send those that it came with, or none',
      { field: 'cursor' },
    )
  }
  return position
}

/** The same for filters that mean the same. */
function digestOf({ filter, order }: Listing): string {
  const { owner, statuses, dueFrom, dueBefore, label, origin }: TimerFilter = filter
  const sorted = statuses && [...statuses].sort()
  const meaning = JSON.stringify([order, owner, sorted, dueFrom, dueBefore, label, origin])
  return createHash('sha256').update(meaning).digest('base64url').slice(0, 11)
}
