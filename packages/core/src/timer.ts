import type { DeliveryMode } from './delivery-options.ts'
import type { AttemptResult } from './outcome.ts'
import type { HeldBy } from './ports.ts'

/**
 * # The timer and its states
 *
 * ```
 *   cancelled   expired
 *      ^          ^   too late to be sent, decided where the claim is
 *      |          |
 *      |          |  claim                 2xx
 *   pending ------+-----> firing ------------------> fired
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
 * All but `pending` and `firing` are final. A late answer corrects `unknown` to what really happened, and so may whoever
 * knows (resolve); a redrive makes `failed` and `unknown` pending again.
 */
export const TIMER_STATUSES = [
  'pending',
  'firing',
  'fired',
  'failed',
  'unknown',
  'cancelled',
  'expired',
] as const
export type TimerStatus = (typeof TIMER_STATUSES)[number]
export type FinalStatus = Exclude<TimerStatus, 'pending' | 'firing'>
export const FINAL_STATUSES: readonly FinalStatus[] = ['fired', 'failed', 'unknown', 'expired', 'cancelled']
/** Final statuses to which an attempt brings a timer. */
export type AttemptedStatus = Extract<FinalStatus, 'fired' | 'failed' | 'unknown'>

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

/** What a client may add to a timer; none of it costs anything where it is not used. */
export interface TimerExtras {
  /** The client's own name for it, unique among the owner's timers that are not finished. */
  readonly key?: string | undefined
  /** At most 8, each once, in the order in which they were given. */
  readonly labels?: readonly string[] | undefined
  /** Seconds after the due time beyond which it is not sent any more. */
  readonly expiresIn?: number | undefined
  readonly callback?: Callback | undefined
}

/** Who is told of a timer's end, and of which ends. */
export interface Callback {
  readonly url: string
  readonly on: readonly FinalStatus[]
}

/** What a client creates. Instants are epoch milliseconds everywhere in the code, ISO 8601 in the API. */
export interface Timer extends TimerSpec, TimerExtras {
  /** Positive integer, unique for the life of the Redis data. */
  readonly id: number
  /** Whose it is. */
  readonly owner: string
  readonly createdAt: number
  readonly dueAt: number
  /** The timer that this one tells of, where it is a callback: sent to its URL as it is, without an id. */
  readonly callbackOf?: number | undefined
}

/** A time to come: so long after the moment at which it is stored, or an instant (one that is past: at once). */
export type Due = { readonly delayMs: number } | { readonly dueAt: number }

/** A timer before it has an id. */
export type TimerDraft = Pick<TimerSpec, 'url'> &
  Partial<TimerSpec> &
  TimerExtras &
  Due & { readonly owner?: string | undefined }

/** What is to be another in a timer: what is absent stays, `null` takes it away. */
export interface TimerChange {
  readonly due?: Due | undefined
  readonly url?: string | undefined
  readonly mode?: DeliveryMode | undefined
  readonly maxAttempts?: number | undefined
  readonly payload?: string | null | undefined
  readonly headers?: Readonly<Record<string, string>> | null | undefined
  readonly labels?: readonly string[] | null | undefined
  readonly expiresIn?: number | null | undefined
  readonly callback?: Callback | null | undefined
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
  /** What holds it back although it is due, and until when (epoch ms). */
  readonly held: { readonly by: HeldBy; readonly until: number } | undefined
  /** When it came to its final status; undefined while it has none. */
  readonly finishedAt: number | undefined
  /** Who said what became of it, where nobody could know. */
  readonly resolved: Resolution | undefined
  /** The last attempts, at most ten, oldest first. */
  readonly log: readonly LoggedAttempt[]
}

/** What a person found out about an `unknown` timer. */
export interface Resolution {
  readonly as: 'fired' | 'failed'
  readonly at: number
  readonly note: string | undefined
}

/** One attempt, as it is remembered. */
export interface LoggedAttempt extends AttemptResult {
  /** 1 for the first. */
  readonly attempt: number
}
