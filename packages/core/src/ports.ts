import type { TimerError } from './errors.ts'
import type { AttemptResult } from './outcome.ts'
import type { Decision } from './retry-policy.ts'
import type { FinalStatus, Timer, TimerChange, TimerDraft, TimerRecord, TimerStatus } from './timer.ts'

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

/** How many timers there are that have no final status, over all shards, and how they wait. */
export interface Census {
  /** Waiting for their time, or for their next attempt. */
  readonly pending: number
  /** Of these, due and held back: the receiver has no turn for them. */
  readonly deferred: number
  /** Of these, past their due time (or that of the next attempt) and not sent, whatever they wait for. */
  readonly overdue: number
  /** How long the longest of these has been due, in milliseconds; 0 where there is none. */
  readonly oldestOverdueMs: number
  /** Callbacks that are not delivered and still tried. Not among the pending; where they are overdue, among those. */
  readonly callbacks: number
}

/** What became of asking for the right to send an attempt. */
export type Claim =
  /** This caller, and no one else ever, may send attempt number `attempt` (1 for the first). */
  | {
      readonly kind: 'granted'
      readonly attempt: number
      /** When this attempt was planned for, where it is not the first. */
      readonly plannedAt: number | undefined
      readonly budget: RetryBudget | undefined
      /**
       * Whether the request may still leave. No longer than the lock could have lasted since it was last known to be
       * held: after that another worker may have declared this attempt interrupted, and nobody may be told so and
       * then get the request.
       */
      mayLeave(): boolean
    }
  /** Another worker claimed attempt number `attempt` and wrote no outcome: never send it again. */
  | {
      readonly kind: 'taken'
      readonly attempt: number
      readonly claimedAt: number
      readonly budget: RetryBudget | undefined
    }
  /** The timer has its final status already (also `cancelled`): nothing is sent. */
  | { readonly kind: 'finished'; readonly status: FinalStatus }
  /** It is too late to send it: this call has ended it as `expired`. */
  | { readonly kind: 'expired' }
  /** A client has changed it since it was read: it is not this worker's any more, and comes again as it is now. */
  | { readonly kind: 'changed' }
  /** The next attempt is planned for later. */
  | { readonly kind: 'early'; readonly at: number }
  /** The job is not this worker's any more (lock lost, job removed): let go of it. */
  | { readonly kind: 'lost' }

/** What asking would find, claiming nothing: `free` where a claim would be granted. */
export type Peek = Exclude<Claim, { readonly kind: 'granted' }> | { readonly kind: 'free' }

/** What retries are counted against. It starts with the first attempt, and a redrive starts it anew. */
export interface RetryBudget {
  /** Attempts that were made before it. */
  readonly after: number
  /** When it started, epoch ms. */
  readonly from: number
}

/** What is true of a timer after an outcome was offered. */
export interface Settled {
  readonly status: FinalStatus | undefined
  /** Whether it was this outcome that brought the timer to its status. */
  readonly decided: boolean
}

/**
 * A due timer in the hands of one worker: the fence around its attempts. Every method waits for Redis as long as it
 * takes, and throws only where waiting cannot help.
 */
export interface DueTimer {
  readonly timer: Timer
  /** Whether the timer was in another worker's hands before, which was lost. */
  readonly takenOver: boolean
  /** After this it is not sent any more, epoch ms; undefined where it may always be. */
  readonly expiresAt: number | undefined
  /** What `claim` would find, claiming nothing. */
  peek(): Promise<Peek>
  /** Asks for the right to send the next attempt. */
  claim(): Promise<Claim>
  /** Gives the timer back, unclaimed, to come again at `until` (epoch ms); `heldBy` where its receiver has no turn. */
  defer(until: number, heldBy?: HeldBy): Promise<void>
  /**
   * Writes what came of an attempt, and puts the timer where it belongs, in one step; also when the job has been lost
   * since.
   *
   * @returns what is now true of the timer, which is not `decision` where someone else wrote before; undefined where
   * there is no such timer any more
   */
  settle(attempt: number, result: AttemptResult, decision: Decision): Promise<Settled | undefined>
  /** Puts a timer that has its final status where it belongs. */
  rest(): Promise<void>
}

/** One try at a webhook. */
export interface WebhookRequest {
  readonly id: number
  readonly url: string
  /** The timer that it tells of, where it is a callback. */
  readonly callbackOf?: number | undefined
  /** 1 for the first. */
  readonly attempt: number
  /** JSON text; undefined: an empty body. */
  readonly body?: string | undefined
  /** Sent along, names in lower case; our own win. */
  readonly headers?: Readonly<Record<string, string>> | undefined
  /**
   * Asked right before the first byte could leave. Where it says no, nothing is sent, and the outcome is `never_sent`:
   * the grant has become so old that someone else may have been told that this request will not leave. Absent: always yes.
   */
  readonly mayLeave?: (() => boolean) | undefined
}

/** Why a due timer is held back by its receiver: too many requests in flight there, or it does not answer. */
export type HeldBy = 'receiver_limit' | 'receiver_down'

/** The right to send one request to a receiver; `leave` gives it back. */
export interface Pass {
  readonly kind: 'go'
  /** To be called when the request is about to leave: from here on the time is the receiver's, not that of Redis. */
  sending(): void
  /** To be called once: whether the receiver answered, or undefined when nothing was sent. */
  leave(answered: boolean | undefined): void
}

/** A turn now, or the time (epoch ms) at which to ask again and what is waited for. */
export type Admission = Pass | { readonly kind: 'defer'; readonly until: number; readonly heldBy: HeldBy }

/** Whose turn it is: keeps one receiver from taking the hands of all others. */
export interface Gate {
  /** Asks to send a request to a target URL, of a timer due at `dueAt` (epoch ms). Settles within a fraction of a second. */
  enter(url: string, dueAt: number): Admission | Promise<Admission>
}

/** Sends webhooks. Never throws for what a receiver or a network does: that is an outcome. */
export interface WebhookClient {
  send(request: WebhookRequest): Promise<AttemptResult>
}

/** Structured log lines, as pino writes them. */
export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}
