import { isDone, mayHaveHappened, type Sweep } from '../answers.ts'
import type { JudgedTimer } from '../judged-timer.ts'
import { mayHaveLeft } from '../timer-view.ts'
import { dueWithin } from '../writes.ts'

/** A time from which on a timer is cancelled for sure. */
function cancelledAt(timer: JudgedTimer): number | undefined {
  const { id, changes, sweeps } = timer
  const answers = [
    ...changes.filter((one) => one.kind === 'cancel' && one.id === id && isDone(one)),
    ...sweeps.filter((sweep) => isSurelySwept(timer, sweep)),
  ].map(({ answeredAt }) => answeredAt)
  return answers.length === 0 ? undefined : Math.min(...answers)
}

/** All that waited for its time from before the first question until after the last answer, and was not skipped. */
function isSurelySwept(timer: JudgedTimer, sweep: Sweep): boolean {
  const { id, creation, changes } = timer
  if (sweep.kind !== 'cancel' || !sweep.complete || creation.onConflict !== undefined) return false
  if (sweep.skipped.some((skipped) => skipped.id === id)) return false
  const acknowledgedAt = creation.askedAt + (creation.tookMs ?? Number.POSITIVE_INFINITY)
  // One that is moved meanwhile may be passed by.
  const moved = changes.some(
    ({ askedAt, answeredAt, kind }) =>
      kind !== 'cancel' && askedAt < sweep.answeredAt && answeredAt > sweep.askedAt,
  )
  return (
    !moved &&
    creation.acknowledged?.id === id &&
    acknowledgedAt < sweep.askedAt &&
    dueWithin(timer, sweep.answeredAt).from > sweep.answeredAt
  )
}

/** Seen, or called something else, after a cancel of it was acknowledged; or seen without any attempt. */
export function revivals(timer: JudgedTimer): string[] {
  const { seen, view, tellings } = timer
  const at = cancelledAt(timer)
  const found: string[] = []
  if (view?.status === 'cancelled' && seen.length > mayHaveLeft(view))
    found.push(`was seen ${seen.length} times before it was cancelled, and tried ${mayHaveLeft(view)} times`)
  if (at === undefined) return found
  for (const { receivedAt } of seen) {
    if (receivedAt > at) found.push(`was seen ${receivedAt - at} ms after it was cancelled`)
  }
  for (const { status, askedAt } of tellings) {
    const isOther = askedAt > at && status !== 'cancelled'
    if (isOther) found.push(`was told to be ${status} ${askedAt - at} ms after it was cancelled`)
  }
  if (view === undefined) found.push('was cancelled, and is not known to the API')
  else if (view.status !== 'cancelled') found.push(`was cancelled, and is ${view.status}`)
  return found
}

/** Cancelled, and nobody asked for it. */
export function cancelledForNothing({ view, changes, sweeps }: JudgedTimer): string[] {
  if (view?.status !== 'cancelled') return []
  const asked = [...changes, ...sweeps].some((one) => one.kind === 'cancel' && mayHaveHappened(one))
  return asked ? [] : ['is cancelled, and nobody asked for that']
}
