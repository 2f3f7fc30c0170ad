import { answeredAt } from '../answers.ts'
import { RECOVERED_AFTER_MS } from '../evidence.ts'
import type { JudgedTimer } from '../judged-timer.ts'
import { isOfRival, isOwn, type NewTime, newTimes } from '../new-times.ts'
import { dueWithin } from '../writes.ts'

/** Seen before it was due, also at a time that was its due time once; or due sooner than was asked for. */
export function earlies(timer: JudgedTimer): string[] {
  const { id, asked, seen } = timer
  const found: string[] = []
  for (const { acknowledged, askedAt, durationMs } of asked) {
    if (acknowledged?.id !== id || acknowledged.replayed || acknowledged.met) continue
    const sooner = askedAt + durationMs - acknowledged.dueAt
    if (sooner > 0) found.push(`is due ${sooner} ms before its time is over`)
  }
  for (const { notBefore, told = notBefore } of toldOthers(timer)) {
    if (told < notBefore) found.push(`was moved to ${notBefore - told} ms before its new time is over`)
  }
  for (const { receivedAt } of seen) {
    const { from } = dueWithin(timer, receivedAt)
    if (receivedAt < from) found.push(`was seen ${from - receivedAt} ms early`)
  }
  return found
}

/** One of the times that it was given last, and, where it was moved, so long after the request and no longer. */
export function wrongDueTimes(timer: JudgedTimer): string[] {
  const { id, asked, view } = timer
  const found: string[] = []
  if (view !== undefined) {
    const dueAt = Date.parse(view.due_at)
    const { from, to } = dueWithin(timer, Number.MAX_SAFE_INTEGER)
    if (dueAt < from || dueAt > to) found.push('is due at another time than promised')
  }
  for (const { notAfter, told = notAfter } of toldOthers(timer)) {
    if (told > notAfter) found.push(`was moved to ${told - notAfter} ms after its new time`)
  }
  // A create that is sent again is answered as the first was.
  const first = asked.find(({ acknowledged }) => acknowledged?.id === id && !acknowledged.met)
  for (const one of asked) {
    const { acknowledged, onConflict } = one
    if (onConflict !== undefined || acknowledged?.id !== id) continue
    if (acknowledged.dueAt !== first?.acknowledged?.dueAt)
      found.push('was promised for two times with one idempotency key')
    if (acknowledged.dueAt > answeredAt(one) + one.durationMs + 1)
      found.push('is due later than it was asked for')
  }
  return found
}

/** Late where nothing is broken any more and its receiver is well: a new time that nobody woke for. */
export function slowness(timer: JudgedTimer, withinMs: number | undefined): string[] {
  const { seen, view, redrives, healedAt } = timer
  const [first] = seen
  if (withinMs === undefined || view === undefined || first === undefined || redrives.length > 0) return []
  const dueAt = Date.parse(view.due_at)
  if (dueAt < healedAt + RECOVERED_AFTER_MS || view.attempt_log[0]?.outcome !== 'delivered') return []
  const lateMs = first.receivedAt - dueAt
  return lateMs > withinMs ? [`was seen ${lateMs} ms late`] : []
}

/** How long after Redis could serve it again a timer may be seen, in milliseconds. */
const AFTER_RECOVERY_MS = 1_000

/**
 * Later than what was broken can account for: its receiver is well, it was delivered at once, and nothing was broken but Redis, which
 * could serve it again long before.
 */
export function tardiness(
  timer: JudgedTimer,
  isPrompt: boolean,
  unservedMs: (id: number, from: number, to: number) => number | undefined,
): string[] {
  const { id, seen, view, redrives } = timer
  const [first] = seen
  if (!isPrompt || view === undefined || first === undefined || redrives.length > 0) return []
  if (view.attempt_log[0]?.outcome !== 'delivered') return []
  const dueAt = Date.parse(view.due_at)
  const lateMs = first.receivedAt - dueAt
  if (lateMs <= AFTER_RECOVERY_MS) return []
  const excusedMs = unservedMs(id, dueAt, first.receivedAt)
  if (excusedMs === undefined || lateMs <= excusedMs + AFTER_RECOVERY_MS) return []
  return [`was seen ${lateMs} ms late, and Redis could not serve it for ${excusedMs} ms of that`]
}

/** Moves that were answered with a time that nobody had asked for. */
function toldOthers(timer: JudgedTimer): NewTime[] {
  const all = newTimes(timer)
  return all.filter((one) => one.isDone && !isOwn(one) && !isOfRival(one, all))
}
