import type { Mode, TimerStatus } from './timer-view.ts'

/*
 * What clients asked for, and what they were answered. Instants are epoch milliseconds.
 */

/** One request of a client to create a timer, and what the client knows of it. Those with the same key want the same timer. */
export interface Creation {
  /** Stands in the timer's URL, so that the receiver's log tells which creation a request belongs to. */
  readonly key: string
  readonly mode: Mode
  readonly maxAttempts: number | undefined
  readonly durationMs: number
  readonly askedAt: number
  /** From asking to the answer, or to the end of the connection; undefined while there is none. */
  tookMs: number | undefined
  /** What a 201 promised. */
  acknowledged: Acknowledgement | undefined
  /** Why there was no 201: the problem's code, or `cut`. Such a timer may exist, and was promised to no one. */
  failure: string | undefined
  /** With which of two requests for the same timer are one. */
  readonly idempotencyKey?: string | undefined
  /** The client's own name for the timer. */
  readonly ownKey?: string | undefined
  /** Of a `PUT`: what becomes of a pending timer that has the own key. */
  readonly onConflict?: ConflictMode | undefined
  /** The timer that has the own key, as a 409 says. */
  takenBy?: number | undefined
  /** What the URL, the payload and a header say, so that the receiver's log tells which content was sent. */
  readonly version?: number | undefined
  readonly labels?: readonly string[] | undefined
  readonly expiresInMs?: number | undefined
  /** Final statuses of which the receiver wants to be told. */
  readonly callbackOn?: readonly string[] | undefined
}

interface Acknowledgement {
  readonly id: number
  readonly dueAt: number
  /** The answer said that it was given before. */
  readonly replayed?: boolean
  /** A `PUT` met a timer with its key, and made none. */
  readonly met?: boolean
  /** The timer with its key that a `PUT` left alone. */
  readonly previous?: { readonly id: number; readonly status: string } | undefined
}

export const CONFLICT_MODES = ['replace', 'keep_due', 'keep'] as const
export type ConflictMode = (typeof CONFLICT_MODES)[number]

/** When the answer of a creation had come, or the connection had ended. */
export function answeredAt({ askedAt, tookMs = Number.POSITIVE_INFINITY }: Creation): number {
  return askedAt + tookMs
}

/** Whether a timer may exist, or may come to exist, although nobody was promised one. */
export function mayExist({ acknowledged, failure }: Creation): boolean {
  return acknowledged === undefined && failure !== undefined && ['cut', 'STORE_UNAVAILABLE'].includes(failure)
}

/** A question, and when it was asked and answered. */
export interface Asked {
  readonly askedAt: number
  /** When the answer had come, or the connection had ended. */
  readonly answeredAt: number
  /** Status of the answer. */
  readonly answer: number | 'cut'
  /** Code of a problem. */
  readonly code?: string | undefined
}

type Answered = Pick<Asked, 'answer' | 'code'>

/** Whether nobody can say if it has happened, or will: there was no answer, or a 503 that does not say no. */
export function isUncertain({ answer, code }: Answered): boolean {
  return answer === 'cut' || (answer === 503 && code !== 'STORE_REFUSED')
}

export function isDone({ answer }: Answered): boolean {
  return answer === 200 || answer === 202
}

/** What was refused has not happened. What got no answer, or a 503, may have: once. */
export function mayHaveHappened(asked: Answered): boolean {
  return isDone(asked) || isUncertain(asked)
}

/** One request of a client to send a timer again. */
export interface Redrive extends Asked {
  readonly id: number
  /** Requests with the same one ask for one attempt. */
  readonly idempotencyKey?: string | undefined
}

/** An answer of the API that told how a timer is. */
export interface Telling {
  readonly id: number
  readonly askedAt: number
  readonly answeredAt: number
  readonly status: TimerStatus
  /** How many attempts it knew of. */
  readonly attempts: number
}

/** A 404 for a client that asked for a timer. */
export interface Miss {
  /** Undefined where it was asked for by the client's own key. */
  readonly id: number | undefined
  readonly ownKey?: string | undefined
  readonly askedAt: number
}

export type ChangeKind = 'cancel' | 'patch' | 'fire' | 'resolve'

/** One request of a client to change one timer. */
export interface Change extends Asked, Wanted {
  readonly kind: ChangeKind
  /** Undefined where it was asked for by key, and the answer names none. */
  readonly id: number | undefined
  /** Stands in the URL of the timers that it may be about. */
  readonly key: string
  /** The answer said that it was given before. */
  readonly replayed?: boolean
  /** What the answer says of the timer, a refusal included. */
  readonly told?: { readonly status: string; readonly dueAt?: number | undefined } | undefined
}

/** What is to be another in a timer. */
export interface Wanted {
  /** A new time, so long after the request... */
  readonly durationMs?: number | undefined
  /** ... or at this instant. */
  readonly at?: number | undefined
  /** New content: see `Creation.version`. */
  readonly version?: number | undefined
  /** What a timer that was `unknown` is said to have come to. */
  readonly as?: 'fired' | 'failed' | undefined
}

/** Many timers asked for at a time, by label: all pages of it. */
export interface Sweep extends Asked {
  readonly kind: 'cancel' | 'redrive'
  readonly label: string
  /** Whether the last page was answered, and said that there are no more. */
  readonly complete: boolean
  readonly done: number
  readonly skipped: readonly { readonly id: number; readonly code: string }[]
}
