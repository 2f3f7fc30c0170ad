/**
 * Everything that can be wrong with a request or with the service, by a stable `code`.
 *
 * A `TimerError` knows nothing of HTTP: the API maps every code, completely, to a problem+json answer.
 */
export type TimerErrorCode =
  /** No part of the duration was given, a part is not a whole number >= 0, or the sum is out of bounds. */
  | 'INVALID_DURATION'
  /** The target URL cannot be used. */
  | 'INVALID_URL'
  /** The payload cannot be sent. */
  | 'INVALID_PAYLOAD'
  /** A header cannot be sent along. */
  | 'INVALID_HEADERS'
  /** A time that is not one, is past, or is too far away. */
  | 'INVALID_TIME'
  /** A timer's own key cannot be used. */
  | 'INVALID_KEY'
  | 'INVALID_LABELS'
  | 'INVALID_EXPIRY'
  | 'INVALID_CALLBACK'
  | 'INVALID_IDEMPOTENCY_KEY'
  /** Another timer that is not finished has this key (`timer_id`). */
  | 'KEY_TAKEN'
  /** The same idempotency key came with another request. */
  | 'IDEMPOTENCY_KEY_REUSED'
  /** A worker has claimed the timer: its request may be under way (`status`). */
  | 'ALREADY_FIRING'
  /** The timer has its final status (`status`). */
  | 'ALREADY_FINISHED'
  /** Only an `unknown` timer can be resolved (`status`). */
  | 'NOT_UNKNOWN'
  | 'INVALID_CURSOR'
  | 'INVALID_FILTER'
  /** A change that changes nothing. */
  | 'EMPTY_CHANGE'
  /** The timer is not in a state from which it can be sent again. */
  | 'NOT_REDRIVABLE'
  /** Redis did not answer, or not in time. The operation may or may not have happened. */
  | 'STORE_UNAVAILABLE'
  /** Redis answered that it cannot take writes now (out of memory, read-only, loading, disk error). */
  | 'STORE_REFUSED'
  | 'WRONG_REDIS'
  /** Redis holds timers in a form that only a newer release knows. */
  | 'DATA_TOO_NEW'

export interface TimerErrorOptions {
  /** The field of the request that is at fault, by its name in the API. */
  readonly field?: string
  /** More that a program can use, by the names of the API: `timer_id`, `status`. */
  readonly details?: Readonly<Record<string, string | number>> | undefined
  readonly cause?: unknown
}

/** `message` is safe to show to a client: it says what to write instead and quotes no secret. */
export class TimerError extends Error {
  readonly code: TimerErrorCode
  readonly field: string | undefined
  readonly details: Readonly<Record<string, string | number>> | undefined

  constructor(code: TimerErrorCode, message: string, options: TimerErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'TimerError'
    this.code = code
    this.field = options.field
    this.details = options.details
  }
}
