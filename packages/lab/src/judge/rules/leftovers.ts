import type { JudgedTimer } from '../judged-timer.ts'
import { isOverdue } from '../timer-view.ts'

/** Not finished, although nothing was broken any more. */
export function leftovers({ view, restAt }: JudgedTimer): string[] {
  if (view?.status === 'firing') return ['is still firing']
  if (view?.status === 'pending' && isOverdue(view, restAt)) return ['is still pending']
  return []
}
