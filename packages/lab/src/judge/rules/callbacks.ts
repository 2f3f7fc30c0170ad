import { mayHaveHappened } from '../answers.ts'
import { distinct } from '../distinct.ts'
import type { JudgedTimer } from '../judged-timer.ts'
import { FINAL_STATUSES, isForGood } from '../timer-view.ts'

/** Came to an end, and who wanted to be told of it was not. */
export function untold(timer: JudgedTimer): string[] {
  const { creation, view, tellings, callbacks, stillToTell } = timer
  const on = creation.callbackOn ?? []
  // What somebody has settled by hand, is known to that one.
  const ends = new Set([
    ...(isResolved(timer) ? [] : [view?.status]),
    ...tellings.map(({ status }) => status),
  ])
  const told = new Set<string | undefined>(callbacks.map(({ event }) => event))
  return [...ends]
    .filter((end) => end !== undefined && on.includes(end) && !told.has(end) && !stillToTell)
    .map((end) => `came to be ${end}, and nobody was called back`)
}

/** Told twice, as if it had happened twice. */
export function retold(timer: JudgedTimer): string[] {
  const { callbacks, redrives, sweeps, changes } = timer
  const again = [
    ...sweeps.filter(({ kind }) => kind === 'redrive'),
    ...changes.filter(({ kind }) => kind === 'resolve'),
  ]
  const more = distinct(redrives.filter(mayHaveHappened)) + again.filter(mayHaveHappened).length
  const found = FINAL_STATUSES.flatMap((event) => {
    const ids = new Set(callbacks.filter((one) => one.event === event).map(({ webhookId }) => webhookId))
    const most = event === 'cancelled' || event === 'expired' ? 1 : 1 + more
    return ids.size > most ? [`told ${ids.size} times of being ${event}, by other ids`] : []
  })
  const events = new Map<string, string>()
  for (const { webhookId, event } of callbacks) {
    const other = events.get(webhookId)
    if (other !== undefined && other !== event) found.push(`told of ${other} and ${event} with one id`)
    events.set(webhookId, event)
  }
  return found
}

/** Told of what was not asked for, or has never been. */
export function wrongCallbacks({ creation, view, callbacks }: JudgedTimer): string[] {
  const on = creation.callbackOn ?? []
  return callbacks.flatMap(({ event, status, webhookId }) => {
    if (!on.includes(event)) return [`told of being ${event}, which nobody wanted to know`]
    if (webhookId === '') return ['told without an id']
    if (status !== event) return [`told of being ${event}, and that it is ${status}`]
    const isWrong = isForGood(event) && view !== undefined && view.status !== event
    return isWrong ? [`told of being ${event}, and is ${view.status}`] : []
  })
}

function isResolved({ changes }: JudgedTimer): boolean {
  return changes.some((one) => one.kind === 'resolve' && mayHaveHappened(one))
}
