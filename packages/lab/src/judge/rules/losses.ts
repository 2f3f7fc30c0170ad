import { isDone, mayHaveHappened } from '../answers.ts'
import { distinct } from '../distinct.ts'
import type { JudgedTimer } from '../judged-timer.ts'
import { isOverdue } from '../timer-view.ts'

/** Acknowledged and never seen, and nothing that the API says of it excuses that; or made due again for nothing. */
export function losses({ id, creation, seen, view, redrives, changes, restAt }: JudgedTimer): string[] {
  if (creation.acknowledged?.id !== id) return []
  if (view === undefined) return ['is not known to the API']
  const { attempt_log: attempts, status } = view
  const promises = 1 + distinct(redrives.filter(isDone))
  const made = view.attempts ?? 0
  // Whether it may have ended like that is judged apart.
  if (status === 'cancelled' || status === 'expired') return []
  if (promises > 1 && made < promises && status !== 'pending')
    return [`was promised ${promises} attempts and made ${made}`]
  if (seen.length > 0) return []
  // Or lost with its worker, and refused from then on.
  const refused =
    attempts.at(-1)?.outcome === 'never_sent' &&
    attempts.every(({ outcome }) => outcome === 'never_sent' || outcome === 'interrupted')
  if (status === 'failed' && refused) return []
  // Why it is so is judged apart: every attempt that came to nothing must be explained. So may be what somebody made of it.
  if (attempts.length > 0 && attempts.at(-1)?.outcome === 'interrupted' && status !== 'pending') return []
  // Or of one that is told by now never to have left: the worker's late word came after that of whoever settled it.
  const settled = changes.some((one) => one.kind === 'resolve' && mayHaveHappened(one))
  if ((status === 'unknown' || settled) && attempts.length > 0) return []
  if (status === 'pending' && !isOverdue(view, restAt)) return []
  return [`was never seen and is ${status}`]
}
