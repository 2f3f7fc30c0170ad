import { isDone, mayHaveHappened } from '../answers.ts'
import type { JudgedTimer } from '../judged-timer.ts'
import type { Sighting } from '../sightings.ts'
import type { AttemptView, TimerView } from '../timer-view.ts'
import { dueWithin } from '../writes.ts'

/** What the API says of one timer in the end, against what was promised and seen. */
export function contradictions(timer: JudgedTimer): string[] {
  const { creation, asked, seen, view } = timer
  // Where another request with its key had no answer, that one may have made it.
  const refused = [creation, ...asked].every(({ failure }) => failure === 'STORE_REFUSED')
  if (refused && seen.length > 0) return ['was refused, and exists all the same']
  if (view === undefined) return seen.length > 0 ? ['was seen and is not known to the API'] : []
  const found: string[] = []
  if (view.delivery !== creation.mode || view.max_attempts !== (creation.maxAttempts ?? view.max_attempts))
    found.push(`is ${view.delivery} with ${view.max_attempts} attempts, other than asked for`)
  const missing = (creation.labels ?? []).filter((label) => view.labels?.includes(label) !== true)
  if (missing.length > 0) found.push(`has lost its labels ${missing.join(', ')}`)
  return [...found, ...answersNeverGiven(view, seen), ...wrongEnd(timer, view), ...wrongTimes(timer, view)]
}

/** A status that does not follow from the last attempt. */
function wrongEnd(timer: JudgedTimer, view: TimerView): string[] {
  const { changes, redrives, sweeps } = timer
  const settled = changes.filter((one) => one.kind === 'resolve' && mayHaveHappened(one))
  if (settled.some((one) => one.as === view.status)) return []
  const last = view.attempt_log.at(-1)
  const is = (...outcomes: string[]): boolean => outcomes.includes(last?.outcome ?? '')
  const found: string[] = []
  switch (view.status) {
    case 'fired':
      if (!is('delivered')) found.push('is fired and was not delivered')
      if (view.response_status !== 200) found.push(`is fired with status ${view.response_status}`)
      break
    case 'failed':
      if (!is('rejected', 'never_sent')) found.push(`is failed after ${last?.outcome}`)
      if (is('rejected') && view.response_status !== last?.response_status)
        found.push(`has status ${view.response_status}`)
      break
    case 'unknown':
      if (!is('ambiguous', 'interrupted')) found.push(`is unknown after ${last?.outcome}`)
      // What is settled as failed may be sent again.
      if (settled.some(isDone) && redrives.length + sweeps.length === 0)
        found.push('is unknown, and was settled')
      break
    case 'cancelled':
    case 'expired':
      if (is('delivered') && !isLateWord(view, last, timer)) found.push(`is ${view.status} and was delivered`)
      break
  }
  return found
}

/** Its worker was given up for lost, and heard of the answer, or could tell of it, when the timer had come to its end. */
function isLateWord(
  { finished_at }: TimerView,
  last: AttemptView | undefined,
  { mayBeGivenUp }: JudgedTimer,
): boolean {
  if (finished_at === undefined || last === undefined) return false
  const { at, connect_ms = 0, response_ms = 0 } = last
  const answeredAt = Date.parse(at) + connect_ms + response_ms
  return Date.parse(finished_at) < answeredAt || mayBeGivenUp(last)
}

/** Attempts that claim an answer which the receiver never gave. */
function answersNeverGiven({ attempt_log: log }: TimerView, seen: readonly Sighting[]): string[] {
  const given = seen.filter(({ answeredAt }) => answeredAt !== undefined).map(({ answer }) => answer)
  const found: string[] = []
  for (const { outcome, response_status: status } of log) {
    if (outcome !== 'delivered' && outcome !== 'rejected') continue
    const at = given.indexOf(status ?? 0)
    if (at < 0) found.push(`claims an answer ${status} that was never given`)
    else given.splice(at, 1)
  }
  return found
}

function wrongTimes(timer: JudgedTimer, view: TimerView): string[] {
  if (view.fired_at === undefined) return []
  const found: string[] = []
  const { seen } = timer
  const firedAt = Date.parse(view.fired_at)
  const [first] = seen
  // One that waited for a retry may have been given a new time since.
  const { from } = dueWithin(timer, firedAt)
  const latenessMs = Math.max(0, firedAt - Date.parse(view.due_at))
  if (firedAt < from) found.push(`has fired_at ${from - firedAt} ms before it was due`)
  else if (view.lateness_ms !== latenessMs) found.push(`has lateness_ms ${view.lateness_ms}`)
  // Only where no earlier request is without an outcome: the first request that is known to have left.
  const all = view.attempt_log.every(({ outcome }) => outcome !== 'interrupted')
  if (all && first !== undefined && firedAt > first.receivedAt)
    found.push(`has fired_at ${firedAt - first.receivedAt} ms after it was seen`)
  return found
}
