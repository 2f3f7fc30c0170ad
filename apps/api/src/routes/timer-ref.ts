import { parseKey, type TimerRef } from '@timers/core'
import { problem } from '../problems/problem.ts'
import { ProblemError } from '../problems/problem-error.ts'

/** The two ways in which a path names one timer: by its id, and by its key the newest that has it. */
export const TIMER_PATHS = ['/timers/:id', '/timers/by-key/:key'] as const

/** The part of such a path that differs. */
export type TimerParams = { readonly id: string } | { readonly key: string }

const MALFORMED_ID = problem(
  'INVALID_TIMER_ID',
  'the id must be a whole number, as in /timers/1; a key goes to /timers/by-key/<key>',
)
const NO_SUCH_TIMER = problem(
  'TIMER_NOT_FOUND',
  'no timer has this id; finished timers are kept for a limited time only',
)
const NO_SUCH_KEY = problem(
  'TIMER_NOT_FOUND',
  'no timer has this key; finished timers are kept for a limited time only',
)

/**
 * Which timer a path names.
 *
 * @throws ProblemError `INVALID_TIMER_ID`, `TIMER_NOT_FOUND` for digits that no timer was ever given
 * @throws TimerError `INVALID_KEY`
 */
export function timerRefOf(params: TimerParams): TimerRef {
  return 'key' in params ? { key: parseKey(params.key) } : readTimerId(params.id)
}

/** 0, 01 and numbers beyond 2^53 are digits that no timer was ever given. */
function readTimerId(text: string): number {
  if (!/^\d+$/.test(text)) throw new ProblemError(MALFORMED_ID)
  const id = Number(text)
  if (id > 0 && Number.isSafeInteger(id) && String(id) === text) return id
  throw new ProblemError(NO_SUCH_TIMER)
}

/** What the store has under that name. @throws ProblemError `TIMER_NOT_FOUND` */
export function existing<T>(timer: T | undefined, params: TimerParams): T {
  if (timer === undefined) throw new ProblemError('key' in params ? NO_SUCH_KEY : NO_SUCH_TIMER)
  return timer
}
