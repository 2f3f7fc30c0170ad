import type { DeliveryMode } from './delivery-options.ts'
import type { AttemptResult } from './outcome.ts'
import type { AttemptedStatus } from './timer.ts'

/**
 * # What follows from an outcome
 *
 * | outcome       | `at_most_once`                   | `at_least_once`                     |
 * | ------------- | -------------------------------- | ----------------------------------- |
 * | `delivered`   | `fired`                          | `fired`                             |
 * | `rejected`    | `failed`                         | again if retryable, else `failed`   |
 * | `never_sent`  | again until the budget is spent, then `failed` | the same              |
 * | `ambiguous`   | `unknown`                        | again, then `unknown`               |
 * | `blocked`     | `failed`                         | `failed`                            |
 * | `interrupted` | `unknown`                        | again, then `unknown`               |
 *
 * Retryable answers: 408, 425, 429 and 5xx. 410 and every other 3xx and 4xx are final.
 *
 * Planned delays: after `never_sent` first 1, 5 and 15 s, then the schedule from its second entry; after anything
 * else the schedule of Standard Webhooks 1.0.0 (5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h, and 24 h from
 * there on). Each with a jitter of 20 % either way; at least 60 s after a 429 or when no answer came.
 */
const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const QUICK_MS = [1 * SECOND, 5 * SECOND, 15 * SECOND]
const SCHEDULE_MS = [
  5 * SECOND,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
]
const LAST_DELAY_MS = 24 * HOUR
const JITTER = 0.2
const PATIENT_MS = 60 * SECOND

/** What of an attempt's result decides how long to wait for the next one. */
export interface RetryHint {
  readonly neverSent: boolean
  /** A 429, or no answer: give the receiver at least a minute. */
  readonly patient: boolean
  /** What the receiver asked for with Retry-After, in milliseconds. */
  readonly retryAfterMs?: number | undefined
}

/**
 * Milliseconds until the next attempt, after attempt number `attempt` (1 for the first).
 *
 * A receiver's Retry-After may stretch the planned delay to at most twice its length, so that no receiver can
 * park a timer; it never shortens it. Pure: the jitter comes from `random`, a number in [0, 1).
 */
export function nextDelayMs(attempt: number, hint: RetryHint, random: number): number {
  const plan = hint.neverSent ? [...QUICK_MS, ...SCHEDULE_MS.slice(1)] : SCHEDULE_MS
  const base = plan[attempt - 1] ?? LAST_DELAY_MS
  const jittered = Math.round(base * (1 - JITTER + 2 * JITTER * random))
  const planned = hint.patient ? Math.max(jittered, PATIENT_MS) : jittered
  return Math.min(Math.max(planned, hint.retryAfterMs ?? 0), 2 * planned)
}

export interface DecisionInput {
  readonly mode: DeliveryMode
  readonly maxAttempts: number
  /** How long a timer whose request never left is still tried, in milliseconds. */
  readonly giveUpAfterMs: number
  /** When the retry budget started: with the first attempt, or with a redrive. Epoch ms. */
  readonly budgetFrom: number
  /** Number of the attempt that just ended, 1 for the first of the budget. */
  readonly attempt: number
  readonly result: AttemptResult
  readonly now: number
  /** After this the timer is not sent any more, epoch ms; undefined where it may always be. */
  readonly expiresAt?: number | undefined
  /** In [0, 1): the jitter. */
  readonly random: number
}

export type Decision =
  | { readonly kind: 'final'; readonly status: AttemptedStatus }
  | { readonly kind: 'retry'; readonly at: number }

/**
 * What happens to a timer after an attempt: the table at the head of this file. Pure.
 *
 * A retry that would come too late to be sent comes when the timer expires: it is then that its claim is refused, and
 * not hours later, at the end of a pause.
 */
export function decide(input: DecisionInput): Decision {
  const decision = afterOutcome(input)
  if (decision.kind === 'final') return decision
  return { kind: 'retry', at: comesBackAt(decision.at, input.expiresAt, input.now) }
}

/** When a timer that is to come back at `at` does so: no later than the moment at which it is too late for it. */
export function comesBackAt(at: number, expiresAt: number | undefined, now: number): number {
  return expiresAt === undefined ? at : Math.min(at, Math.max(now, expiresAt + 1))
}

function afterOutcome(input: DecisionInput): Decision {
  const { result, mode } = input
  switch (result.outcome) {
    case 'delivered':
      return final('fired')
    case 'blocked':
      return final('failed')
    case 'never_sent': {
      const retry = retryOr('failed', input)
      const tooLate = retry.kind === 'retry' && retry.at > input.budgetFrom + input.giveUpAfterMs
      return tooLate ? final('failed') : retry
    }
    case 'rejected':
      return mode === 'at_least_once' && isRetryable(result.responseStatus)
        ? retryOr('failed', input)
        : final('failed')
    case 'ambiguous':
    case 'interrupted':
      return mode === 'at_least_once' ? retryOr('unknown', input) : final('unknown')
  }
}

/** Whether an answer with this status code may turn into a 2xx when asked again later. */
function isRetryable(status: number | undefined): boolean {
  return status === 408 || status === 425 || status === 429 || (status !== undefined && status >= 500)
}

function final(status: AttemptedStatus): Decision {
  return { kind: 'final', status }
}

function retryOr(status: AttemptedStatus, input: DecisionInput): Decision {
  if (input.attempt >= input.maxAttempts) return final(status)
  const { result } = input
  const hint: RetryHint = {
    neverSent: result.outcome === 'never_sent',
    patient: result.responseStatus === 429 || result.outcome === 'ambiguous',
    retryAfterMs: result.retryAfterMs,
  }
  return { kind: 'retry', at: input.now + nextDelayMs(input.attempt, hint, input.random) }
}
