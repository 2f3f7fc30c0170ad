import { answeredAt, type Creation, mayHaveHappened } from '../answers.ts'
import type { JudgedTimer } from '../judged-timer.ts'
import { dueWithin } from '../writes.ts'

/** Two timers for what is to be one: for one request, for one idempotency key, or pending at the same time with one own key. */
export function twins(asked: readonly Creation[], timers: readonly JudgedTimer[]): string[] {
  const [first] = asked
  if (first === undefined) return []
  if (first.ownKey === undefined) {
    const ids = timers.map(({ id }) => id)
    return ids.length > 1
      ? [`${ids.length} timers for ${first.idempotencyKey ?? 'one request'}: ${ids.join(', ')}`]
      : []
  }
  const found: string[] = []
  for (const newer of timers) {
    const createdAt = Date.parse(newer.view?.created_at ?? '')
    const older = timers.filter(
      ({ id, view }) => id !== newer.id && Date.parse(view?.created_at ?? '') <= createdAt,
    )
    for (const timer of older) {
      // Of two of the same millisecond each is the older one.
      if (wasPending(timer, createdAt))
        found.push(`timers ${timer.id} and ${newer.id} were pending with key ${first.ownKey}`)
    }
  }
  return found
}

/** Whether a timer was surely pending, for the first time, at an instant. */
function wasPending(timer: JudgedTimer, at: number): boolean {
  const { view, changes } = timer
  if (dueWithin(timer, at).from <= at) return false
  if (changes.some((one) => mayHaveHappened(one) && one.kind === 'cancel' && one.askedAt <= at)) return false
  return view?.attempt_log.every((attempt) => Date.parse(attempt.at) > at) ?? false
}

/** What clients who want the same timer were answered, against each other. */
export function wrongKeyAnswers(asked: readonly Creation[], timers: readonly JudgedTimer[]): string[] {
  const found: string[] = []
  const ids = new Set(timers.map(({ id }) => id))
  const made = new Map<number, Creation>()
  for (const creation of asked) {
    const { acknowledged, takenBy, ownKey, askedAt, onConflict } = creation
    if (takenBy !== undefined && !ids.has(takenBy))
      found.push(`timer ${takenBy} is said to have key ${ownKey}`)
    if (acknowledged === undefined) continue
    const { id, met, replayed, previous } = acknowledged
    if (met) continue
    if (replayed !== true) {
      if (made.has(id)) found.push(`two answers say that they made timer ${id}`)
      made.set(id, creation)
    }
    if (previous?.status === 'pending') found.push(`timer ${previous.id} was pending, and left alone`)
    if (previous !== undefined && !ids.has(previous.id))
      found.push(`timer ${previous.id} is said to have had key ${ownKey}`)
    const before = asked.find(
      (other) =>
        other.acknowledged !== undefined && other.acknowledged.id !== id && answeredAt(other) < askedAt,
    )
    if (onConflict !== undefined && before !== undefined && previous === undefined)
      found.push(`timer ${id} does not tell of timer ${before.acknowledged?.id}, which had its key`)
  }
  return found
}
