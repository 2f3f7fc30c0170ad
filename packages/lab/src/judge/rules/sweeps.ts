import { mayHaveHappened, type Sweep } from '../answers.ts'
import type { JudgedTimer } from '../judged-timer.ts'

/** How many timers are said to have been cancelled by label, against how many were. */
export function miscounted(sweeps: readonly Sweep[], timers: readonly JudgedTimer[]): string[] {
  const labels = new Set(sweeps.filter(({ kind }) => kind === 'cancel').map(({ label }) => label))
  return [...labels].flatMap((label) => {
    const own = sweeps.filter((sweep) => sweep.kind === 'cancel' && sweep.label === label)
    const labelled = timers.filter(({ creation }) => creation.labels?.includes(label))
    const alone = labelled.some(({ changes }) =>
      changes.some((one) => one.kind === 'cancel' && mayHaveHappened(one)),
    )
    if (alone || own.some(({ complete }) => !complete)) return []
    const done = own.map((sweep) => sweep.done)
    const sum = done.reduce((all, one) => all + one, 0)
    const cancelled = labelled.filter(({ view }) => view?.status === 'cancelled').length
    // Of two at the same time each may have done it: a cancel of what is cancelled is done.
    const fits = own.length === 1 ? sum === cancelled : sum >= cancelled && Math.max(...done) <= cancelled
    return fits
      ? []
      : [`${done.join(' and ')} timers of ${label} are said to be cancelled, and ${cancelled} are`]
  })
}
