/**
 * # The timer and its states
 *
 * ```
 *               claim                 2xx
 *   pending ------------> firing ------------------> fired
 *      ^                    |
 *      |   never sent,      |  3xx 4xx 5xx, blocked,
 *      |   budget left      |  or retry budget spent
 *      +--------------------+----------------------> failed
 *                           |
 *                           |  bytes may have gone out and no answer came,
 *                           |  or the worker died after its claim
 *                           +----------------------> unknown
 * ```
 *
 * `fired`, `failed` and `unknown` are final. A late answer corrects `unknown` to what really happened.
 */
export type TimerStatus = 'pending' | 'firing' | 'fired' | 'failed' | 'unknown'
export type FinalStatus = Extract<TimerStatus, 'fired' | 'failed' | 'unknown'>

/** What a client creates. Instants are epoch milliseconds everywhere in the code, ISO 8601 in the API. */
export interface Timer {
  /** Positive integer, unique for the life of the Redis data. */
  readonly id: number
  readonly url: string
  readonly createdAt: number
  readonly dueAt: number
}

/** A timer before it has an id. Its due time is `delayMs` after the moment at which it is stored. */
export interface TimerDraft {
  readonly url: string
  readonly delayMs: number
}

/** A timer with all that has happened to it. */
export interface TimerRecord extends Timer {
  readonly status: TimerStatus
  /** Attempts that were made: claimed, and ended in an outcome. */
  readonly attempts: number
  /** When the first request left; undefined while none is known to have left. */
  readonly firedAt: number | undefined
  /** `firedAt - dueAt`, in milliseconds; never negative. */
  readonly latenessMs: number | undefined
  /** Status code of the last answer. */
  readonly responseStatus: number | undefined
  /** When the next attempt is due, while one is planned. */
  readonly nextAttemptAt: number | undefined
}
