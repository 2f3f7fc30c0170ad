import type { AttemptResult } from './outcome.ts'
import type { Decision } from './retry-policy.ts'
import type { FinalStatus, Timer } from './timer.ts'

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
      /** Too few replicas have it: a failover may forget it, so nothing may leave. */
      readonly unconfirmed?: boolean
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

/** The turn of a timer at its receiver. */
export interface Turn {
  /** Others may have it. */
  giveUp(): void
  /** Whether it is this timer's turn (again): to be asked until it is. */
  again(): Promise<boolean>
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
  /**
   * Asks for the right to send the next attempt.
   *
   * @param turn that of the timer at its receiver: where a grant has to wait, it must be had again before it is told
   */
  claim(turn?: Turn): Promise<Claim>
  /** Gives the timer back, unclaimed, to come again at `until` (epoch ms); `heldBy` where its receiver has no turn. */
  defer(until: number, heldBy?: HeldBy): Promise<void>
  /**
   * How to have a timer back that was given back until then: at `at` (epoch ms), unless somebody has taken or changed it
   * since. Never throws: if it fails, the timer comes when it would have. Holds nothing of the timer's content.
   */
  recall(until: number, heldBy: HeldBy): (at: number) => void
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

/** No turn now. */
interface Deferral {
  readonly kind: 'defer'
  /** When to ask again, epoch ms. */
  readonly until: number
  readonly heldBy: HeldBy
  /** To be called once the timer was given back: how to have it earlier, should its receiver answer quickly again. */
  gaveBack(recall: (at: number) => void): void
}

/** A turn now, or when to ask again and what is waited for. */
export type Admission = Pass | Deferral

/** Whose turn it is: keeps one receiver from taking the hands of all others. */
export interface Gate {
  /** Asks to send a request to a target URL, of a timer due at `dueAt` (epoch ms). Settles within two seconds. */
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
