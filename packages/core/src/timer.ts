import type { DeliveryMode } from './delivery-options.ts'
import type { AttemptResult } from './outcome.ts'
import type { HeldBy } from './ports.ts'

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

/** Whose timers are that nobody in particular owns. */
export const DEFAULT_OWNER = 'default'

/** What a client asks for, beside the time. */
export interface TimerSpec {
  readonly url: string
  readonly mode: DeliveryMode
  /** Most attempts, 1 to 30. */
  readonly maxAttempts: number
  /** JSON text, sent as the body as it is; undefined: the body is empty. */
  readonly payload: string | undefined
  /** Headers to send along, names in lower case. */
  readonly headers: Readonly<Record<string, string>> | undefined
  /** W3C trace context of the request that created the timer. */
  readonly traceparent: string | undefined
  /** Id of the request that created the timer: in every log line of its life. */
  readonly requestId: string | undefined
}

/** What a client creates. Instants are epoch milliseconds everywhere in the code, ISO 8601 in the API. */
export interface Timer extends TimerSpec {
  /** Positive integer, unique for the life of the Redis data. */
  readonly id: number
  /** Whose it is. */
  readonly owner: string
  readonly createdAt: number
  readonly dueAt: number
}

/** A timer before it has an id. Its due time is `delayMs` after the moment at which it is stored. */
export type TimerDraft = Pick<TimerSpec, 'url'> &
  Partial<TimerSpec> & { readonly delayMs: number; readonly owner?: string | undefined }

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
  /** What holds it back although it is due, and until when (epoch ms). */
  readonly held: { readonly by: HeldBy; readonly until: number } | undefined
  /** The last attempts, at most ten, oldest first. */
  readonly log: readonly LoggedAttempt[]
}

/** One attempt, as it is remembered. */
export interface LoggedAttempt extends AttemptResult {
  /** 1 for the first. */
  readonly attempt: number
}
