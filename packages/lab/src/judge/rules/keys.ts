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
  return timers.flatMap((one, index) =>
    timers.slice(index + 1).flatMap((other) => {
      const both = `timers ${one.id} and ${other.id} were pending with key ${first.ownKey}`
      return werePending(one, other) ? [both] : []
    }),
  )
}

/**
 * Whether two timers were surely pending at one time: when both were known to be there; or one was there before the other was
 * asked for, and still when that one was known to be there.
 */
function werePending(one: JudgedTimer, other: JudgedTimer): boolean {
  const [from, otherFrom] = [knownFrom(one), knownFrom(other)]
  const at = Math.max(from, otherFrom)
  if (wasPending(one, at) && wasPending(other, at)) return true
  return (
    (from < askedFrom(other) && wasPending(one, otherFrom)) ||
    (otherFrom < askedFrom(one) && wasPending(other, from))
  )
}

/** When a timer was there for sure. */
function knownFrom({ id, asked, seen, view }: JudgedTimer): number {
  return Math.min(
    ...asked.flatMap((one) => (one.acknowledged?.id === id ? answeredAt(one) : [])),
    ...seen.map(({ receivedAt }) => receivedAt),
    ...(view?.attempt_log.map(({ at }) => Date.parse(at)) ?? []),
  )
}

/** When it was not yet asked for. */
function askedFrom({ id, asked }: JudgedTimer): number {
  const told = asked.filter(({ acknowledged }) => acknowledged?.id === id && !acknowledged.met)
  return Math.min(...(told.length > 0 ? told : asked).map(({ askedAt }) => askedAt))
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
