import {
  type AttemptResult,
  type Clock,
  DEFAULT_MAX_ATTEMPTS,
  DEFAULT_MODE,
  type Decision,
  type Disposition,
  type DueTimer,
  decide,
  type Log,
  originOf,
  requestLeft,
  type WebhookClient,
} from '@timers/core'

/** What is told of every attempt, once its outcome is known. */
export interface AttemptReport {
  readonly timer: DueTimer
  readonly attempt: number
  readonly result: AttemptResult
  readonly decision: Decision
}

export interface FireTimerDeps {
  readonly client: WebhookClient
  readonly clock: Clock
  readonly log: Log
  readonly giveUpAfterMs: number
  /** A number in [0, 1) for the jitter of retries. */
  readonly random: () => number
  readonly onAttempt: (report: AttemptReport) => void
}

/**
 * Fires a due timer: claim, send, record.
 *
 * Nothing is sent without a granted claim, and a granted claim is sent once. Whoever finds an attempt claimed by a
 * worker that is gone declares it interrupted, and the policy says what follows.
 */
export async function fireTimer(timer: DueTimer, deps: FireTimerDeps): Promise<Disposition> {
  const claim = await timer.claim()
  switch (claim.kind) {
    case 'granted': {
      const result = await deps.client.send({ id: timer.id, url: timer.url, attempt: claim.attempt })
      return conclude(timer, claim.attempt, result, deps)
    }
    case 'taken': {
      const result: AttemptResult = {
        outcome: 'interrupted',
        sentAt: claim.claimedAt,
        reason: 'the worker was lost between its claim and the outcome',
      }
      return conclude(timer, claim.attempt, result, deps)
    }
    case 'finished':
      return { kind: 'finish', status: claim.status }
    case 'early':
      return { kind: 'delay', until: claim.at }
    case 'lost':
      deps.log.warn({ timerId: timer.id }, 'lost a timer before its claim; another worker has it')
      return { kind: 'abandon' }
  }
}

async function conclude(
  timer: DueTimer,
  attempt: number,
  result: AttemptResult,
  deps: FireTimerDeps,
): Promise<Disposition> {
  const decision = decide({
    mode: DEFAULT_MODE,
    maxAttempts: DEFAULT_MAX_ATTEMPTS,
    giveUpAfterMs: deps.giveUpAfterMs,
    dueAt: timer.dueAt,
    attempt,
    result,
    now: deps.clock.now(),
    random: deps.random(),
  })
  deps.onAttempt({ timer, attempt, result, decision })
  logAttempt(timer, attempt, result, decision, deps.log)
  return timer.record(attempt, result, decision)
}

/** One wide line an attempt: what happened, how long it took, how late it was, and what follows. */
function logAttempt(
  timer: DueTimer,
  attempt: number,
  result: AttemptResult,
  decision: Decision,
  log: Log,
): void {
  const fields = {
    timerId: timer.id,
    attempt,
    origin: originOf(timer.url),
    outcome: result.outcome,
    responseStatus: result.responseStatus,
    reason: result.reason,
    latenessMs: requestLeft(result.outcome) ? result.sentAt - timer.dueAt : undefined,
    connectMs: result.connectMs,
    responseMs: result.responseMs,
    decision: decision.kind === 'final' ? decision.status : 'retry',
    nextAttemptAt: decision.kind === 'retry' ? new Date(decision.at).toISOString() : undefined,
  }
  if (result.outcome === 'delivered') log.info(fields, 'attempt')
  else log.warn(fields, 'attempt')
}
