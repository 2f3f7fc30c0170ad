import { mayHaveHappened } from '../answers.ts'
import { distinct } from '../distinct.ts'
import type { JudgedTimer } from '../judged-timer.ts'
import { mayHaveLeft } from '../timer-view.ts'

/** Seen, or tried, more often than asked for: once, and once more for each redrive; or more often than there were attempts. */
export function doubles({ creation, seen, view, redrives, sweeps }: JudgedTimer): string[] {
  const tries = view === undefined ? 1 : mayHaveLeft(view)
  if (creation.mode === 'at_least_once') {
    return seen.length > tries ? [`was seen ${seen.length} times, ${tries} allowed`] : []
  }
  const swept = sweeps.filter((sweep) => sweep.kind === 'redrive' && mayHaveHappened(sweep)).length
  const most = 1 + swept + distinct(redrives.filter(mayHaveHappened))
  const isWhole = view?.attempts === view?.attempt_log.length
  if (seen.length > most) return [`was seen ${seen.length} times, ${most} allowed`]
  if (isWhole && tries > most) return [`was tried ${tries} times, ${most} allowed`]
  return []
}
