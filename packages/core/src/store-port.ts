import type { TimerError } from './errors.ts'
import type { Timer, TimerChange, TimerDraft, TimerRecord, TimerStatus } from './timer.ts'

/** Which timer: its id, or the newest one with a key. Whoever does not own it does not find it. */
export type TimerRef = TimerById | { readonly owner?: string | undefined; readonly key: string }
export type TimerById = number | { readonly owner?: string | undefined; readonly id: number }

/** What tells a create that is sent again from a new one. */
export interface Idempotency {
  /** As the client sent it. */
  readonly key: string
  /** Of what the timer is, in a canonical form (`fingerprintOf`): another one under the same key is refused. */
  readonly fingerprint: string
  /**
   * To be thrown where no timer was created with this key: the time that was asked for is past by now, which does not
   * keep a request that is sent again from its answer. Absent: a timer is created.
   */
  readonly orElse?: TimerError | undefined
}

export interface Created extends Timer {
  /** Whether it was created before, by the same request. `createdAt` and `dueAt` are as they were then. */
  readonly replayed: boolean
}

export interface NewTimerRequest {
  readonly draft: TimerDraft
  readonly idempotency?: Idempotency | undefined
}

/** What a `PUT` does to a pending timer that has the key: takes all, all but the time, or nothing. */
export const CONFLICT_MODES = ['replace', 'keep_due', 'keep'] as const
export type ConflictMode = (typeof CONFLICT_MODES)[number]

export interface Upserted {
  readonly timer: TimerRecord
  readonly created: boolean
  /** The timer that had the key and was left alone, because it fires or has finished. */
  readonly previous: { readonly id: number; readonly status: TimerStatus } | undefined
}

export type MaybeReplayed = TimerRecord & { readonly replayed?: boolean | undefined }

export interface RedriveOptions {
  readonly idempotencyKey?: string | undefined
  /** When it is to be sent, epoch ms; absent: now. */
  readonly at?: number | undefined
}

/** What came of one of many commands; an error is what the command alone would throw. */
export type Acted = 'done' | 'missing' | Error

/** Which timers. Absent: all. */
export interface TimerFilter {
  readonly owner?: string | undefined
  readonly statuses?: readonly TimerStatus[] | undefined
  /** Due at this instant or later, epoch ms. */
  readonly dueFrom?: number | undefined
  /** Due before this instant, epoch ms. */
  readonly dueBefore?: number | undefined
  readonly label?: string | undefined
  /** Scheme, host and port of the target URL, as `originOf` writes it. */
  readonly origin?: string | undefined
}

/** A place in the order of all timers: by due time, then by job id as text. */
export interface TimerPosition {
  readonly dueAt: number
  readonly id: number
}

export interface TimerQuery {
  readonly filter: TimerFilter
  readonly order: 'asc' | 'desc'
  /** 1 to 1,000. */
  readonly limit: number
  /** Where the last page ended. */
  readonly after?: TimerPosition | undefined
}

export interface TimerPage {
  readonly timers: readonly TimerRecord[]
  /** Where to go on; absent at the end. There may be more although `timers` is short, or empty. */
  readonly next: TimerPosition | undefined
}

export interface ShardStats {
  readonly shard: number
  readonly counts: Readonly<Record<TimerStatus, number>>
  /** Due, and held back. */
  readonly deferred: number
  /** Due, and not sent. */
  readonly overdue: number
  readonly oldestOverdueMs: number
}

export interface ForecastQuery {
  /** Epoch ms. */
  readonly from: number
  readonly to: number
  readonly bucketMs: number
}

/**
 * Where timers live, as the API sees it. Each change is one atomic step, decided by Redis and safe to send again.
 *
 * All throw TimerError `STORE_UNAVAILABLE` (a change may or may not have happened) and `STORE_REFUSED` (it has not).
 * What is about one timer answers undefined where there is none.
 */
export interface TimerStore {
  /**
   * Mints an id and stores the timer durably: when this resolves, the timer will fire.
   *
   * @throws TimerError `KEY_TAKEN`, `IDEMPOTENCY_KEY_REUSED`
   */
  create(draft: TimerDraft, idempotency?: Idempotency): Promise<Created>
  /** Creates many; each stands alone, and what stands for one that failed is what `create` would throw. Never throws. */
  createAll(requests: readonly NewTimerRequest[]): Promise<readonly (Created | Error)[]>
  /** Changes the pending timer that has the key, as `mode` says, or creates one with it. */
  upsert(key: string, draft: TimerDraft, mode: ConflictMode): Promise<Upserted>
  /** All that is known of a timer, or undefined where it never was or is past retention. */
  find(ref: TimerRef): Promise<TimerRecord | undefined>
  /**
   * No request leaves after this has resolved. Again: the same.
   *
   * @throws TimerError `ALREADY_FIRING`, `ALREADY_FINISHED`
   */
  cancel(ref: TimerRef): Promise<TimerRecord | undefined>
  /**
   * A request that leaves after this has resolved carries the new content, at the new time.
   *
   * @throws TimerError `ALREADY_FIRING`, `ALREADY_FINISHED`
   */
  change(ref: TimerRef, change: TimerChange): Promise<TimerRecord | undefined>
  /**
   * Makes a pending timer due now.
   *
   * @throws TimerError `ALREADY_FIRING`, `ALREADY_FINISHED`
   */
  fire(ref: TimerRef, idempotencyKey?: string): Promise<MaybeReplayed | undefined>
  /**
   * Makes a `failed` or `unknown` timer due, for a new attempt with a fresh retry budget. What is known of its attempts
   * stays.
   *
   * @throws TimerError `NOT_REDRIVABLE`, `KEY_TAKEN` (another timer has its key meanwhile)
   */
  redrive(ref: TimerRef, options?: RedriveOptions): Promise<MaybeReplayed | undefined>
  /**
   * Cancels many, each by itself; what is not known to be done by then is `STORE_UNAVAILABLE`. Never throws.
   */
  cancelAll(refs: readonly TimerById[], withinMs: number): Promise<readonly Acted[]>
  /** Redrives many in the same way, all under one idempotency key. */
  redriveAll(
    redrives: readonly { readonly ref: TimerById; readonly at: number | undefined }[],
    idempotencyKey: string,
    withinMs: number,
  ): Promise<readonly Acted[]>
  /**
   * Writes down what became of an `unknown` timer.
   *
   * @throws TimerError `NOT_UNKNOWN`
   */
  resolve(ref: TimerRef, as: 'fired' | 'failed', note?: string): Promise<TimerRecord | undefined>
  /** One page, in the order of due times. What stands still is neither left out nor shown twice. */
  list(query: TimerQuery): Promise<TimerPage>
  stats(): Promise<readonly ShardStats[]>
  /** How many timers are due in each bucket of the time from `from` to `to`. */
  forecast(query: ForecastQuery): Promise<readonly number[]>
}
