import { timeLeftSeconds } from './duration.ts'
import { FINAL_STATUSES, type LoggedAttempt, type Resolution, type TimerRecord } from './timer.ts'
import { waitingOf } from './waiting.ts'

/** A timer as clients see it, in the names of the API; what is not there, or has not happened yet, is left out. */
export interface TimerView {
  readonly id: number
  /** Whole seconds until it is due; 0 for one that has come to its end. */
  readonly time_left: number
  readonly status: string
  readonly created_at: string
  readonly due_at: string
  readonly key?: string
  readonly labels?: string[]
  readonly waiting_for?: string
  readonly next_attempt_at?: string
  readonly fired_at?: string
  readonly lateness_ms?: number
  readonly response_status?: number
  readonly finished_at?: string
  readonly resolved?: ResolutionView
  readonly attempts?: number
  readonly delivery: string
  readonly max_attempts: number
  readonly expires_in?: number
  /** Of what it tells, and not where to: that URL may hold secrets, as the timer's own may. */
  readonly callback?: { readonly on: string[] }
  /** The timer that this one tells of, where it is a callback. */
  readonly callback_of?: number
  readonly attempt_log: AttemptView[]
}

interface ResolutionView {
  readonly as: string
  readonly at: string
  readonly note?: string
}

interface AttemptView {
  readonly attempt: number
  readonly at: string
  readonly outcome: string
  readonly response_status?: number
  readonly reason?: string
  readonly queue_ms?: number
  readonly connect_ms?: number
  readonly response_ms?: number
}

/** A timer as clients see it at the instant `now` (epoch milliseconds): instants in ISO 8601, no URL. */
export function timerView(record: TimerRecord, now: number): TimerView {
  const { firedAt, latenessMs, responseStatus, attempts, finishedAt, resolved } = record
  const { key, labels, expiresIn, callback, callbackOf } = record
  const waiting = waitingOf(record, now)
  const isFinished = (FINAL_STATUSES as readonly string[]).includes(record.status)
  return {
    id: record.id,
    time_left: isFinished ? 0 : timeLeftSeconds(record.dueAt, now),
    status: record.status,
    created_at: isoInstant(record.createdAt),
    due_at: isoInstant(record.dueAt),
    ...(key !== undefined && { key }),
    ...(labels !== undefined && { labels: [...labels] }),
    ...(waiting !== undefined && { waiting_for: waiting.for }),
    ...(waiting?.until !== undefined && { next_attempt_at: isoInstant(waiting.until) }),
    ...(firedAt !== undefined && { fired_at: isoInstant(firedAt) }),
    ...(latenessMs !== undefined && { lateness_ms: latenessMs }),
    ...(responseStatus !== undefined && { response_status: responseStatus }),
    ...(finishedAt !== undefined && { finished_at: isoInstant(finishedAt) }),
    ...(resolved !== undefined && { resolved: resolutionView(resolved) }),
    ...(attempts > 0 && { attempts }),
    delivery: record.mode,
    max_attempts: record.maxAttempts,
    ...(expiresIn !== undefined && { expires_in: expiresIn }),
    ...(callback !== undefined && { callback: { on: [...callback.on] } }),
    ...(callbackOf !== undefined && { callback_of: callbackOf }),
    attempt_log: record.log.map(attemptView),
  }
}

function resolutionView({ as, at, note }: Resolution): ResolutionView {
  return { as, at: isoInstant(at), ...(note !== undefined && { note }) }
}

function attemptView(entry: LoggedAttempt): AttemptView {
  const { responseStatus, reason, queueMs, connectMs, responseMs } = entry
  return {
    attempt: entry.attempt,
    at: isoInstant(entry.sentAt),
    outcome: entry.outcome,
    ...(responseStatus !== undefined && { response_status: responseStatus }),
    ...(reason !== undefined && { reason }),
    ...(queueMs !== undefined && { queue_ms: queueMs }),
    ...(connectMs !== undefined && { connect_ms: connectMs }),
    ...(responseMs !== undefined && { response_ms: responseMs }),
  }
}

/** ISO 8601 in UTC with milliseconds. */
export function isoInstant(epochMs: number): string {
  return new Date(epochMs).toISOString()
}
