import { mayHaveHappened } from '../answers.ts'
import { distinct } from '../distinct.ts'
import type { JudgedTimer } from '../judged-timer.ts'
import type { CallbackSighting } from '../sightings.ts'
import { FINAL_STATUSES, isForGood } from '../timer-view.ts'

/** Somebody who wants to be told of a timer's ends, and what that one was told. */
interface Audience {
  readonly name: string
  readonly on: readonly string[]
  readonly told: readonly CallbackSighting[]
}

function audiences({ creation, callbacks, operatorOn }: JudgedTimer): Audience[] {
  const client = callbacks.filter(({ isOperator }) => !isOperator)
  const operator = callbacks.filter(({ isOperator }) => isOperator)
  return [
    { name: 'the client', on: creation.callbackOn ?? [], told: client },
    { name: 'the operator', on: operatorOn, told: operator },
  ]
}

/** Came to an end, and who wanted to be told of it was not. */
export function untold(timer: JudgedTimer): string[] {
  const { view, tellings, stillToTell } = timer
  if (stillToTell) return []
  const ends = new Set<string>(tellings.map(({ status }) => status))
  if (view !== undefined) ends.add(view.status)
  return audiences(timer).flatMap(({ name, on, told }) => {
    const events = new Set(told.map(({ event }) => event))
    const missing = on.filter((end) => ends.has(end) && !events.has(end))
    return missing.map((end) => `came to be ${end}, and ${name} was not told`)
  })
}

/** Told twice, as if it had happened twice. */
export function retold(timer: JudgedTimer): string[] {
  const { redrives, sweeps, changes } = timer
  const again = [
    ...sweeps.filter(({ kind }) => kind === 'redrive'),
    ...changes.filter(({ kind }) => kind === 'resolve'),
  ]
  const more = distinct(redrives.filter(mayHaveHappened)) + again.filter(mayHaveHappened).length
  return audiences(timer).flatMap(({ name, told }) => {
    const found = FINAL_STATUSES.flatMap((event) => {
      const ids = new Set(told.filter((one) => one.event === event).map(({ webhookId }) => webhookId))
      const most = event === 'cancelled' || event === 'expired' ? 1 : 1 + more
      return ids.size > most ? [`told ${name} ${ids.size} times of being ${event}, by other ids`] : []
    })
    const events = new Map<string, string>()
    for (const { webhookId, event } of told) {
      const other = events.get(webhookId)
      if (other !== undefined && other !== event)
        found.push(`told ${name} of ${other} and ${event} with one id`)
      events.set(webhookId, event)
    }
    return found
  })
}

/** Told of what was not asked for, or has never been. */
export function wrongCallbacks(timer: JudgedTimer): string[] {
  const { view } = timer
  return audiences(timer).flatMap(({ name, on, told }) =>
    told.flatMap(({ event, status, webhookId }) => {
      if (!on.includes(event)) return [`told ${name} of being ${event}, which was not asked for`]
      if (webhookId === '') return [`told ${name} without an id`]
      if (status !== event) return [`told ${name} of being ${event}, and that it is ${status}`]
      const isWrong = isForGood(event) && view !== undefined && view.status !== event
      return isWrong ? [`told ${name} of being ${event}, and is ${view.status}`] : []
    }),
  )
}
