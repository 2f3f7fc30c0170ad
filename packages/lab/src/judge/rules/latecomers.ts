import { isUncertain, mayHaveHappened } from '../answers.ts'
import type { JudgedTimer } from '../judged-timer.ts'
import { leavingAttempts } from '../timer-view.ts'

/** A request that was on its way when `unknown` was told is not late, and this process reads one after the other. */
const ON_THE_WIRE_MS = 250

/** Left after `unknown` was told: an attempt that was meant by it; or any, where no redrive since can be why. */
export function latecomers({ seen, view, tellings, redrives, sweeps }: JudgedTimer): string[] {
  const unknown = tellings.filter(({ status }) => status === 'unknown')
  const again = [...redrives, ...sweeps.filter(({ kind }) => kind === 'redrive')]
  const left = view === undefined ? [] : leavingAttempts(view)
  const meant = left.flatMap(({ attempt, at }) => {
    const told = unknown.find(
      ({ attempts, answeredAt }) => attempt <= attempts && answeredAt < Date.parse(at),
    )
    return told === undefined
      ? []
      : [`sent attempt ${attempt} ${Date.parse(at) - told.answeredAt} ms after it was told to be unknown`]
  })
  if (meant.length > 0) return meant
  return seen.flatMap(({ receivedAt }) => {
    const told = unknown.findLast(({ answeredAt }) => answeredAt + ON_THE_WIRE_MS < receivedAt)
    if (told === undefined) return []
    const asked = again.some(
      (redrive) =>
        mayHaveHappened(redrive) &&
        redrive.askedAt <= receivedAt &&
        (isUncertain(redrive) || redrive.answeredAt >= told.askedAt),
    )
    return asked ? [] : [`was seen ${receivedAt - told.answeredAt} ms after it was told to be unknown`]
  })
}
