import { readCursor, writeCursor } from './cursor.ts'
import { TimerError } from './errors.ts'
import type { TimerPosition, TimerQuery } from './store-port.ts'

type Listing = Pick<TimerQuery, 'filter' | 'order'>

/** Where a walk over many timers goes on, and what it takes along from one step to the next. */
export interface Onward {
  readonly after: TimerPosition
  /** Names the walk: whatever is sent again of it does the same once. */
  readonly walk: string
  /** When the next step may begin to send, epoch ms, where the walk is paced. */
  readonly sendFrom: number | undefined
}

/** Like a list's cursor, of one listing only, opaque, and harmless where it was written by hand. */
export function writeBulkCursor({ after, walk, sendFrom }: Onward, listing: Listing): string {
  const parts = [
    writeCursor(after, listing),
    walk,
    ...(sendFrom === undefined ? [] : [sendFrom.toString(36)]),
  ]
  return parts.join('.')
}

/** @throws TimerError `INVALID_CURSOR`, also where it belongs to another listing */
export function readBulkCursor(text: string, listing: Listing): Onward {
  const [, position, walk, sendFrom] = /^([\w-]+)\.([\w-]{22})(?:\.([0-9a-z]{1,9}))?$/.exec(text) ?? []
  if (position === undefined || walk === undefined) {
    throw new TimerError('INVALID_CURSOR', 'cursor must be a next_cursor as it was answered', {
      field: 'cursor',
    })
  }
  return {
    after: readCursor(position, listing),
    walk,
    sendFrom: sendFrom === undefined ? undefined : Number.parseInt(sendFrom, 36),
  }
}
