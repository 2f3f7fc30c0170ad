import { answeredAt, type Creation, type Miss } from '../answers.ts'
import type { JudgedTimer } from '../judged-timer.ts'

/** A 404 for a timer that somebody had been promised when it was asked for: timers outlive every run. */
export function denials({ id, asked, changes, redrives, misses }: JudgedTimer): string[] {
  const from = promisedAt(asked.filter(({ acknowledged }) => acknowledged?.id === id))
  const refused = changes.filter((change) => change.id === id && change.answer === 404)
  return [
    ...refused.map(({ kind, askedAt }) => ({ what: kind, askedAt })),
    ...redrives.filter(({ answer }) => answer === 404).map(({ askedAt }) => ({ what: 'redrive', askedAt })),
    ...misses.map(({ askedAt }) => ({ what: 'look', askedAt })),
  ].flatMap(({ what, askedAt }) => (askedAt < from ? [] : [denial(what, askedAt)]))
}

/** The same for who asks by a key of its own: the newest timer that has it is found, however long it has been finished. */
export function keyDenials(
  asked: readonly Creation[],
  timers: readonly JudgedTimer[],
  misses: readonly Miss[],
): string[] {
  const [{ ownKey } = {}] = asked
  if (ownKey === undefined) return []
  const from = promisedAt(asked)
  const refused = new Set(
    timers.flatMap(({ changes }) => changes.filter((one) => one.id === undefined && one.answer === 404)),
  )
  return [
    ...[...refused].map(({ kind, askedAt }) => ({ what: kind, askedAt })),
    ...misses.filter((miss) => miss.ownKey === ownKey).map(({ askedAt }) => ({ what: 'look', askedAt })),
  ].flatMap(({ what, askedAt }) => (askedAt < from ? [] : [`key ${ownKey} ${denial(what, askedAt)}`]))
}

/** When the first of them had been promised a timer. */
function promisedAt(asked: readonly Creation[]): number {
  return Math.min(...asked.flatMap((one) => (one.acknowledged === undefined ? [] : answeredAt(one))))
}

function denial(what: string, askedAt: number): string {
  return `got 404 for a ${what} at ${new Date(askedAt).toISOString()}`
}
