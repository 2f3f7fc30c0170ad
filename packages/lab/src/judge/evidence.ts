import type { ReceivedRequest } from '../receivers/receiver.ts'

/** What is known of a run when it is over. Instants are epoch milliseconds. */
export interface Evidence {
  /** The clients' log. */
  readonly creations: readonly Creation[]
  /** The clients' log of timers that were made due again. */
  readonly redrives?: readonly Redrive[]
  /** What clients were told of timers that were not known to be finished for good. */
  readonly tellings?: readonly Telling[]
  /** The receivers' log. */
  readonly sightings: readonly Sighting[]
  /** What the API says in the end of every timer that was acknowledged or seen, by id. 404 leaves it out. */
  readonly views: ReadonlyMap<number, TimerView>
  /**
   * Why an attempt that was not delivered may have come to nothing: words, or undefined where there is no excuse. Without
   * it nobody asks: the test knows what it has broken.
   */
  readonly explain?: (attempt: AttemptView, creation: Creation) => string | undefined
  /** From when on nothing was broken any more. Default: never. */
  readonly healedAt?: number
  /** Up to when planned attempts were waited for: what is planned for later may still be pending. Default: for ever. */
  readonly restAt?: number
}

/** One request of a client to create a timer, and what the client knows of it. */
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
  acknowledged: { readonly id: number; readonly dueAt: number } | undefined
  /** Why there was no 201: the problem's code, or `cut`. Such a timer may exist, and was promised to no one. */
  failure: string | undefined
}

export type Mode = 'at_most_once' | 'at_least_once'

/** One request of a client to send a timer again. */
export interface Redrive {
  readonly id: number
  readonly askedAt: number
  /** When the answer had come, or the connection had ended. */
  readonly answeredAt: number
  readonly answer: number | 'cut'
}

/** An answer of the API that called a timer `unknown`. */
export interface Telling extends Pick<Redrive, 'id' | 'askedAt' | 'answeredAt'> {
  /** How many attempts it knew of. */
  readonly attempts: number
}

/** A request as a receiver saw it. */
export interface Sighting {
  readonly key: string
  readonly id: number
  readonly receivedAt: number
  /** What it was answered with, and when the answer was handed to the socket. */
  readonly answer: number | 'hang' | 'reset' | 'close' | undefined
  readonly answeredAt: number | undefined
}

/** The path is `/<anything>/<key>/<id>`. */
export function sightingOf({ path, id, receivedAt, answer, answeredAt }: ReceivedRequest): Sighting {
  return {
    key: path.split('/').at(-2) ?? '',
    id,
    receivedAt,
    answer: typeof answer === 'object' ? (answer.status ?? 200) : answer,
    answeredAt,
  }
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
