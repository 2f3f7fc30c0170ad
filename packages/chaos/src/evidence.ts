import type { FaultKind } from './fault-kinds.ts'
import type { Slot } from './fault-plan.ts'
import type { Behaviour, Mode } from './load-plan.ts'

/** What is known of a run when it is over. Instants are epoch milliseconds. */
export interface Evidence {
  /** The clients' log. */
  readonly creations: readonly Creation[]
  /** The receiver's log. */
  readonly sightings: readonly Sighting[]
  /** What the API says in the end of every timer that was acknowledged or seen, by id. 404 leaves it out. */
  readonly views: ReadonlyMap<number, TimerView>
  /** What was broken, and when. */
  readonly faults: readonly FaultRun[]
  /** When which door was closed. */
  readonly closings: readonly Closing[]
  /** Longest time for a webhook, as the workers were told. */
  readonly webhookTimeoutMs: number
  /** From when on nothing was broken any more. */
  readonly healedAt: number
  /** Up to when planned attempts were waited for: what is planned for later may still be pending. */
  readonly restAt: number
}

/** One request of a client to create a timer, and what the client knows of it. */
export interface Creation {
  /** Stands in the timer's URL, so that the receiver's log tells which creation a request belongs to. */
  readonly key: string
  readonly behaviour: Behaviour
  readonly door: number
  readonly mode: Mode
  readonly maxAttempts: number
  readonly durationMs: number
  readonly askedAt: number
  /** From asking to the answer, or to the end of the connection. */
  readonly tookMs: number
  /** What a 201 promised. */
  readonly acknowledged?: { readonly id: number; readonly dueAt: number }
  /** Why there was no 201: the problem's code, or `cut`. Such a timer may exist, and was promised to no one. */
  readonly failure?: string
}

/** A request as the receiver saw it. */
export interface Sighting {
  readonly key: string
  readonly id: number
  readonly receivedAt: number
  /** What it was answered with, and whether the answer was handed to the socket. */
  readonly answer: number | 'hang' | 'reset' | 'close' | undefined
  readonly answeredAt: number | undefined
}

/** A timer as `GET /timers/:id` shows it. */
export interface TimerView {
  readonly id: number
  readonly status: 'pending' | 'firing' | 'fired' | 'failed' | 'unknown'
  readonly due_at: string
  readonly next_attempt_at?: string
  readonly fired_at?: string
  readonly lateness_ms?: number
  readonly response_status?: number
  readonly attempts?: number
  readonly delivery: string
  readonly max_attempts: number
  readonly attempt_log: readonly AttemptView[]
}

export interface AttemptView {
  readonly attempt: number
  readonly at: string
  readonly outcome: string
  readonly response_status?: number
  readonly reason?: string
}

/** A fault as it really happened: until everything was healed and running again. */
export interface FaultRun {
  readonly kind: FaultKind
  readonly slots: readonly Slot[]
  readonly from: number
  readonly to: number
  /** What came of it, for the reader. */
  readonly note?: string
  /** Of a stop in order. */
  readonly exitCode?: number | null
}

export interface Closing {
  readonly door: number
  readonly from: number
  readonly to: number
}
