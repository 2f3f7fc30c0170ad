import type { Static } from '@sinclair/typebox'
import { type LoggedAttempt, type TimerRecord, timeLeftSeconds, waitingOf } from '@timers/core'
import type { timerBody } from '../schemas/timers.ts'

/** A timer as clients see it at the instant `now` (epoch milliseconds): instants in ISO 8601, no URL. */
export function timerView(record: TimerRecord, now: number): Static<typeof timerBody> {
  const { firedAt, latenessMs, responseStatus, attempts } = record
  const waiting = waitingOf(record, now)
  return {
    id: record.id,
    time_left: timeLeftSeconds(record.dueAt, now),
    status: record.status,
    created_at: isoInstant(record.createdAt),
    due_at: isoInstant(record.dueAt),
    ...(waiting !== undefined && { waiting_for: waiting.for }),
    ...(waiting?.until !== undefined && { next_attempt_at: isoInstant(waiting.until) }),
    ...(firedAt !== undefined && { fired_at: isoInstant(firedAt) }),
    ...(latenessMs !== undefined && { lateness_ms: latenessMs }),
    ...(responseStatus !== undefined && { response_status: responseStatus }),
    ...(attempts > 0 && { attempts }),
    delivery: record.mode,
    max_attempts: record.maxAttempts,
    attempt_log: record.log.map(attemptView),
  }
}

function attemptView(entry: LoggedAttempt) {
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
