import { type AttemptReport, type Log, originOf, requestLeft } from '@timers/core'

/**
 * One wide line an attempt: what happened, how long each part took, how late it was, and what follows.
 *
 * Of the target only the origin; of the answer only its status. `reqId` and `traceId` lead back to the request that
 * created the timer. A callback is a timer of its own: `callbackOf` is the one that it tells of.
 */
export function logAttempt({ timer, attempt, result, decision }: AttemptReport, log: Log): void {
  const fields = {
    timerId: timer.id,
    callbackOf: timer.callbackOf,
    reqId: timer.requestId,
    traceId: timer.traceparent?.split('-')[1],
    attempt,
    mode: timer.mode,
    origin: originOf(timer.url),
    outcome: result.outcome,
    responseStatus: result.responseStatus,
    reason: result.reason,
    latenessMs: requestLeft(result.outcome) ? result.sentAt - timer.dueAt : undefined,
    queueMs: result.queueMs,
    connectMs: result.connectMs,
    responseMs: result.responseMs,
    decision: decision.kind === 'final' ? decision.status : 'retry',
    nextAttemptAt: decision.kind === 'retry' ? new Date(decision.at).toISOString() : undefined,
  }
  if (result.outcome === 'delivered') log.info(fields, 'attempt')
  else log.warn(fields, 'attempt')
}
