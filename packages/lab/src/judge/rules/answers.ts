import { type Asked, type Change, type ChangeKind, isDone, mayHaveHappened } from '../answers.ts'
import { RECOVERED_AFTER_MS } from '../evidence.ts'
import type { JudgedTimer } from '../judged-timer.ts'
import { FINAL_STATUSES, isForGood, type TimerView } from '../timer-view.ts'

/** Answers that there is a reason for, besides that of trouble. */
const EXPECTED: Readonly<Record<ChangeKind | 'redrive', readonly number[]>> = {
  cancel: [200, 409],
  patch: [200, 409],
  fire: [202, 409],
  resolve: [200, 409],
  redrive: [202, 409],
}

/** Answers that there is no reason for. */
export function refusals({ changes, redrives, healedAt }: JudgedTimer): string[] {
  const asked = [...changes, ...redrives.map((one) => ({ ...one, kind: 'redrive' as const }))]
  return asked.flatMap(({ kind, answer, code, askedAt }) => {
    // Whether there was one is judged apart (denials.ts).
    const expected = EXPECTED[kind].includes(answer as number) || answer === 404
    const excused = isTrouble(answer) && askedAt <= healedAt + RECOVERED_AFTER_MS
    const at = new Date(askedAt).toISOString()
    return expected || excused ? [] : [`got ${answer} ${code ?? ''} for a ${kind} at ${at}`]
  })
}

function isTrouble(answer: Asked['answer']): boolean {
  return answer === 'cut' || answer === 503
}

/** What a change was answered, against what became of the timer. */
export function wrongAnswers(timer: JudgedTimer): string[] {
  const { id, changes, view } = timer
  if (view === undefined) return []
  const known = changes.filter((change) => change.id === id && (isDone(change) || change.answer === 409))
  return known.flatMap((change) => {
    const wrong =
      change.answer === 409 ? wrongRefusal(change, timer, view) : wrongConsent(change, timer, view)
    return wrong === undefined
      ? []
      : [`got ${change.answer} ${change.code ?? ''} for a ${change.kind}, and ${wrong}`]
  })
}

function wrongRefusal(change: Change, timer: JudgedTimer, view: TimerView): string | undefined {
  const { code, kind, told, answeredAt } = change
  const { status = '' } = told ?? {}
  switch (code) {
    case 'ALREADY_FIRING':
      // By the end there is a word on every claim.
      if (status !== 'firing') return `was told to be ${status}`
      return (view.attempts ?? 0) === 0 && view.status !== 'firing' ? 'was never tried' : undefined
    case 'ALREADY_FINISHED':
      if (!(FINAL_STATUSES as readonly string[]).includes(status)) return `was told to be ${status}`
      if (kind === 'cancel' && status === 'cancelled') return 'was cancelled already'
      return readLeadsTo(status, view, timer) ?? unseenBy(status, answeredAt, timer)
    case 'NOT_UNKNOWN':
      if (kind !== 'resolve' || status === 'unknown') return `was told to be ${status}`
      return readLeadsTo(status, view, timer)
    default:
      return 'that is no reason'
  }
}

/** A final status that was told, and another in the end. */
function leadsTo(status: string, { status: end }: TimerView, { redrives }: JudgedTimer): string | undefined {
  if (status === end || !isForGood(status)) return undefined
  return `is ${end}, after ${status} was told${redrives.length > 0 ? ' (redriven)' : ''}`
}

/**
 * The same of what was only read. That is what the primary has: that a timer has fired is told before replicas have it, and may
 * be forgotten by a failover, which has the claim alone.
 */
function readLeadsTo(status: string, view: TimerView, timer: JudgedTimer): string | undefined {
  const claims = view.attempt_log.filter(({ outcome }) => outcome === 'interrupted')
  return status === 'fired' && claims.some(timer.mayForget) ? undefined : leadsTo(status, view, timer)
}

/** Somebody has answered 200 to what is told to have fired. */
function unseenBy(status: string, at: number, { seen, changes }: JudgedTimer): string | undefined {
  const resolved = changes.some((one) => one.kind === 'resolve' && mayHaveHappened(one))
  if (status !== 'fired' || resolved) return undefined
  const delivered = seen.some(({ receivedAt, answer }) => answer === 200 && receivedAt <= at)
  return delivered ? undefined : 'was told to be fired before anybody had answered'
}

/** An answer that was lost on the way and asked for again tells how the timer is by then. */
const ANY: readonly string[] = ['pending', 'firing', ...FINAL_STATUSES]
const TOLD: Readonly<Record<ChangeKind, readonly string[]>> = {
  cancel: ['cancelled'],
  patch: ANY,
  fire: ANY,
  resolve: ['fired', 'failed'],
}

function wrongConsent(change: Change, timer: JudgedTimer, view: TimerView): string | undefined {
  const { kind, told, as, askedAt } = change
  if (!TOLD[kind].includes(told?.status ?? '')) return `was told to be ${told?.status}`
  if (kind === 'resolve') {
    if (told?.status !== as) return `was told to be ${told?.status}, not ${as}`
    return as === 'fired' ? leadsTo('fired', view, timer) : undefined
  }
  const before = timer.tellings.find(
    ({ status, answeredAt }) => isForGood(status) && status !== told?.status && answeredAt < askedAt,
  )
  return before && `was ${before.status} before`
}

/** What was told of a timer, against what it came to. */
export function wrongTellings(timer: JudgedTimer): string[] {
  const { tellings, view } = timer
  if (view === undefined) return []
  return tellings.flatMap(({ status }) => readLeadsTo(status, view, timer) ?? [])
}
