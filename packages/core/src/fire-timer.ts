import type { Clock } from './clock.ts'
import { type AttemptResult, requestLeft } from './outcome.ts'
import type { Claim, DueTimer, Gate, Log, Pass, RetryBudget, WebhookClient, WebhookRequest } from './ports.ts'
import { comesBackAt, type Decision, decide } from './retry-policy.ts'
import type { FinalStatus, Timer } from './timer.ts'
import { TurnAtReceiver } from './turn.ts'

/** What is told of every attempt, once its outcome is known. */
export interface AttemptReport {
  readonly timer: Timer
  readonly attempt: number
  readonly result: AttemptResult
  readonly decision: Decision
  /** Whether this is the first request of the timer that left: the one whose lateness counts. */
  readonly firstRequest: boolean
}

export interface FireTimerDeps {
  readonly client: WebhookClient
  readonly gate: Gate
  readonly clock: Clock
  readonly log: Log
  /** How long a timer whose request never left is still tried, in milliseconds. */
  readonly giveUpAfterMs: number
  /** A number in [0, 1) for the jitter of retries. */
  readonly random: () => number
  readonly onAttempt: (report: AttemptReport) => void
  /** A timer came to its end, or to another one by a late outcome; told after that was written. */
  readonly onFinished: (status: FinalStatus, timer: Timer) => void
}

/**
 * Fires a due timer: wait for the receiver's turn, claim, send, settle.
 *
 * Nothing is sent without a granted claim, a granted claim is sent once, and none is sent that has grown too old.
 * Whoever finds an attempt claimed by a worker that is gone declares it interrupted, and the policy says what follows.
 * A timer whose turn is not yet goes back unclaimed: it has used up no attempt.
 */
export async function fireTimer(due: DueTimer, deps: FireTimerDeps): Promise<void> {
  const { timer } = due
  if (due.takenOver) {
    // What a lost worker left behind is settled at once: there is nothing to send, so no turn to wait for.
    const found = await due.peek()
    if (found.kind !== 'free') return conclude(due, found, deps)
  }
  if (due.expiresAt !== undefined && deps.clock.now() > due.expiresAt) {
    // Nothing will be sent, so there is no turn to wait for. The claim decides.
    const claim = await due.claim()
    if (claim.kind !== 'granted') return conclude(due, claim, deps)
    return settle(due, claim.attempt, claim.budget, unsent(claim, deps.clock.now()), deps)
  }
  const admission = await deps.gate.enter(timer.url, timer.dueAt)
  if (admission.kind === 'defer') {
    const { until, heldBy } = admission
    deps.log.debug({ timerId: timer.id, reqId: timer.requestId, until, heldBy }, 'deferred')
    const back = comesBackAt(until, due.expiresAt, deps.clock.now())
    await due.defer(back, heldBy)
    return admission.gaveBack(due.recall(back, heldBy))
  }
  const sent = await claimAndSend(due, admission, deps)
  if (sent.result === undefined) return conclude(due, sent.claim, deps)
  return settle(due, sent.claim.attempt, sent.claim.budget, sent.result, deps)
}

type Granted = Extract<Claim, { kind: 'granted' }>
/** Claims after which there is nothing to send. */
type Unsendable = Exclude<Claim, Granted>
type Sent =
  | { readonly claim: Granted; readonly result: AttemptResult }
  | { readonly claim: Unsendable; readonly result: undefined }

/** Gives the receiver's pass back before the outcome is written: Redis may keep that waiting. */
async function claimAndSend(due: DueTimer, pass: Pass, deps: FireTimerDeps): Promise<Sent> {
  const { gate, clock } = deps
  const turn = new TurnAtReceiver(pass, due.timer, gate, () => clock.now())
  let answered: boolean | undefined
  try {
    const claim = await due.claim(turn)
    if (claim.kind !== 'granted') return { claim, result: undefined }
    if (!claim.mayLeave()) return { claim, result: unsent(claim, clock.now()) }
    turn.pass?.sending()
    const result = await send(due.timer, claim, deps)
    // One that could not leave any more says nothing of the receiver.
    answered = result.outcome === 'never_sent' && !claim.mayLeave() ? undefined : wasAnswered(result)
    return { claim, result }
  } finally {
    turn.leave(answered)
  }
}

/**
 * The grant came, or was acted on, so late that this attempt may have been declared interrupted meanwhile; or a failover may
 * still forget it, and the attempt be granted again.
 */
function unsent({ unconfirmed = false }: Granted, now: number): AttemptResult {
  const reason = unconfirmed ? 'too few replicas confirmed the claim' : 'the claim grew too old'
  return { outcome: 'never_sent', sentAt: now, reason }
}

async function send(timer: Timer, claim: Granted, { client, clock }: FireTimerDeps): Promise<AttemptResult> {
  const { plannedAt, budget } = claim
  const attemptDueAt = Math.max(timer.dueAt, plannedAt ?? 0, budget?.from ?? 0)
  const queueMs = Math.max(0, clock.now() - attemptDueAt)
  const result = await client.send(toRequest(timer, claim))
  // Spread last: a member after a spread costs several times as much.
  return { queueMs, ...result }
}

function toRequest(timer: Timer, { attempt, mayLeave }: Granted): WebhookRequest {
  const { id, url, callbackOf, payload, headers, traceparent } = timer
  return {
    id,
    url,
    callbackOf,
    attempt,
    body: payload,
    headers: traceparent === undefined ? headers : { ...headers, traceparent },
    mayLeave,
  }
}

/** Whether the receiver answered at all; undefined where it was not asked. */
function wasAnswered({ outcome }: AttemptResult): boolean | undefined {
  if (outcome === 'blocked') return undefined
  return outcome === 'delivered' || outcome === 'rejected'
}

/** What to do where there is nothing to send. */
async function conclude(due: DueTimer, claim: Unsendable, deps: FireTimerDeps): Promise<void> {
  const { timer } = due
  switch (claim.kind) {
    case 'taken': {
      const reason = 'the worker was lost between its claim and the outcome'
      const result: AttemptResult = { outcome: 'interrupted', sentAt: claim.claimedAt, reason }
      return settle(due, claim.attempt, claim.budget, result, deps)
    }
    case 'finished':
      return due.rest()
    case 'expired':
      deps.log.info({ timerId: timer.id, reqId: timer.requestId }, 'a timer expired: it was not sent')
      return deps.onFinished('expired', timer)
    case 'early':
      return due.defer(claim.at)
    case 'changed':
      deps.log.debug({ timerId: timer.id, reqId: timer.requestId }, 'changed before its claim')
      return
    case 'lost':
      deps.log.warn(
        { timerId: timer.id, reqId: timer.requestId },
        'lost a timer before its claim: another worker has it',
      )
  }
}

/** At most once means that nothing left before, short of a redrive. */
function isFirstRequest(
  { mode }: Timer,
  attempt: number,
  budget: RetryBudget | undefined,
  { outcome }: AttemptResult,
): boolean {
  const noneBefore = attempt === 1 || (mode === 'at_most_once' && (budget?.after ?? 0) === 0)
  return noneBefore && requestLeft(outcome)
}

/** Decides what follows from an attempt, tells of it and writes it down. What a redrive starts anew is the budget. */
async function settle(
  due: DueTimer,
  attempt: number,
  budget: RetryBudget | undefined,
  result: AttemptResult,
  deps: FireTimerDeps,
): Promise<void> {
  const { timer } = due
  const decision = decide({
    mode: timer.mode,
    maxAttempts: timer.maxAttempts,
    giveUpAfterMs: deps.giveUpAfterMs,
    budgetFrom: budget?.from ?? result.sentAt,
    attempt: attempt - (budget?.after ?? 0),
    result,
    now: deps.clock.now(),
    expiresAt: due.expiresAt,
    random: deps.random(),
  })
  deps.onAttempt({
    timer,
    attempt,
    result,
    decision,
    firstRequest: isFirstRequest(timer, attempt, budget, result),
  })
  const settled = await due.settle(attempt, result, decision)
  if (settled?.decided && settled.status !== undefined) deps.onFinished(settled.status, timer)
}
