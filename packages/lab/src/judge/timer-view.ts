/** A timer as `GET /timers/:id` shows it. */
export interface TimerView {
  readonly id: number
  readonly status: TimerStatus
  readonly created_at?: string
  readonly due_at: string
  readonly next_attempt_at?: string
  readonly fired_at?: string
  readonly finished_at?: string
  readonly lateness_ms?: number
  readonly response_status?: number
  readonly attempts?: number
  readonly delivery: string
  readonly max_attempts: number
  readonly labels?: readonly string[]
  readonly attempt_log: readonly AttemptView[]
}

export interface AttemptView {
  readonly attempt: number
  readonly at: string
  readonly outcome: string
  readonly response_status?: number
  readonly connect_ms?: number
  readonly response_ms?: number
  readonly reason?: string
}

export const FINAL_STATUSES = ['fired', 'failed', 'unknown', 'expired', 'cancelled'] as const
type FinalStatus = (typeof FINAL_STATUSES)[number]
export type TimerStatus = 'pending' | 'firing' | FinalStatus

export type Mode = 'at_most_once' | 'at_least_once'

/** Statuses that nothing leads out of. */
export function isForGood(status: string): boolean {
  return status === 'fired' || status === 'expired' || status === 'cancelled'
}

/** Attempts whose request may have left. */
export function leavingAttempts({ attempt_log: log }: TimerView): AttemptView[] {
  return log.filter(({ outcome }) => outcome !== 'never_sent' && outcome !== 'blocked')
}

/** How many of a timer's attempts can have reached the receiver. The log keeps the last ten. */
export function mayHaveLeft(view: TimerView): number {
  const { attempts = 0, attempt_log: log, status } = view
  const never = log.length - leavingAttempts(view).length
  return attempts - never + (status === 'firing' ? 1 : 0)
}

/**
 * Whether a pending timer should have been tried. A planned attempt is not told of any more once its time has come: whoever
 * waits for rest looks after those.
 */
export function isOverdue({ due_at, next_attempt_at, attempt_log }: TimerView, restAt: number): boolean {
  if (next_attempt_at !== undefined) return Date.parse(next_attempt_at) <= restAt
  return attempt_log.length === 0 && Date.parse(due_at) <= restAt
}
