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
    const done = own.reduce((sum, sweep) => sum + sweep.done, 0)
    const cancelled = labelled.filter(({ view }) => view?.status === 'cancelled').length
    return done === cancelled
      ? []
      : [`${done} timers of ${label} are said to be cancelled, and ${cancelled} are`]
  })
}
