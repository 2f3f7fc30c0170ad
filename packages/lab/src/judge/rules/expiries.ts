import type { JudgedTimer } from '../judged-timer.ts'
import { leavingAttempts, mayHaveLeft } from '../timer-view.ts'
import { dueWithin } from '../writes.ts'

/** A request leaves at most so long after it was granted: a lock lasts no longer, and a connection takes its time. */
const GRANTED_MS = 8_000

/** Sent after it had expired, or although it has. */
export function overstays(timer: JudgedTimer): string[] {
  const { creation, seen, view, redrives, sweeps } = timer
  const found: string[] = []
  if (view?.status === 'expired' && seen.length > mayHaveLeft(view))
    found.push(`was seen ${seen.length} times, is expired, and was tried ${mayHaveLeft(view)} times`)
  const { expiresInMs } = creation
  const again = redrives.length > 0 || sweeps.some(({ kind }) => kind === 'redrive')
  if (expiresInMs === undefined || again) return found
  const instants = [
    ...seen.map(({ receivedAt }) => receivedAt),
    ...(view === undefined ? [] : leavingAttempts(view).map(({ at }) => Date.parse(at))),
  ]
  for (const at of instants) {
    const lateMs = at - dueWithin(timer, at).to - expiresInMs
    if (lateMs > GRANTED_MS) found.push(`was sent ${lateMs} ms after it had expired`)
  }
  return found
}

/** Called expired too soon, or where nothing was said of that. */
export function wrongExpiries(timer: JudgedTimer): string[] {
  const { creation, view, tellings, callbacks } = timer
  const told = [
    ...tellings.filter(({ status }) => status === 'expired').map(({ answeredAt }) => answeredAt),
    ...callbacks.filter(({ event }) => event === 'expired').map(({ receivedAt }) => receivedAt),
  ]
  if (creation.expiresInMs === undefined) {
    return view?.status === 'expired' || told.length > 0 ? ['is expired, and was to last for ever'] : []
  }
  return told.flatMap((at) => {
    const soonerMs = dueWithin(timer, at).from + (creation.expiresInMs ?? 0) - at
    return soonerMs > 0 ? [`was told to be expired ${soonerMs} ms too soon`] : []
  })
}
