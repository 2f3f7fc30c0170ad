import type { Asked, Change, Creation, Redrive, Telling } from './answers.ts'
import type { JudgedTimer } from './judged-timer.ts'
import type { CallbackSighting, Sighting } from './sightings.ts'
import type { AttemptView } from './timer-view.ts'

/** All that is known of a timer, for who has to find out what went wrong. */
export function history(timer: JudgedTimer): string {
  const { creation, asked, seen, view, redrives, changes, sweeps, tellings, callbacks } = timer
  const due = [creation.acknowledged?.dueAt, view && Date.parse(view.due_at)]
  const parts: [string, readonly string[]][] = [
    ['asked', asked.map(askedFor)],
    ['due', [...new Set(due)].flatMap((at) => (at === undefined ? [] : clock(at)))],
    ['changes', changes.map(changed)],
    ['sweeps', sweeps.map((one) => words(one.kind, answered(one), one.complete && 'complete'))],
    ['seen', seen.length === 0 ? ['never'] : seen.map(sighted)],
    ['status', [String(view?.status)]],
    ['attempts', view?.attempt_log.map(attempted) ?? []],
    ['redrives', redrives.map(redriven)],
    ['told', onceEach(tellings).map(({ answeredAt, status }) => words(clock(answeredAt), status))],
    ['callbacks', callbacks.map(calledBack)],
  ]
  const told = parts.filter(([, list]) => list.length > 0)
  return `[${told.map(([name, list]) => `${name} ${list.join(', ')}`).join('; ')}]`
}

function askedFor({ askedAt, onConflict, acknowledged, failure }: Creation): string {
  const { id, met, replayed } = acknowledged ?? {}
  return words(clock(askedAt), onConflict, id ?? failure, met && 'met', replayed && 'replayed')
}

function changed(change: Change): string {
  const { kind, version, told } = change
  return words(kind, answered(change), version && `v${version}`, told?.dueAt && `due ${clock(told.dueAt)}`)
}

function answered({ askedAt, answeredAt, answer, code }: Asked): string {
  return words(clock(askedAt), clock(answeredAt), answer, code)
}

function sighted({ receivedAt, answer, versions, answeredAt }: Sighting): string {
  return words(clock(receivedAt), answer ?? 'unread', versions && `v${versions}`, !answeredAt && 'unanswered')
}

function attempted({ at, outcome }: AttemptView): string {
  return words(clock(Date.parse(at)), outcome)
}

function redriven(redrive: Redrive): string {
  return words(answered(redrive), redrive.idempotencyKey)
}

function calledBack({ receivedAt, event, webhookId, isOperator }: CallbackSighting): string {
  return words(clock(receivedAt), event, webhookId, isOperator && 'to the operator')
}

/** Only what was news. */
function onceEach(tellings: readonly Telling[]): Telling[] {
  return tellings.filter(({ status }, index) => status !== tellings[index - 1]?.status)
}

function words(...parts: (string | number | false | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== false).join(' ')
}

function clock(at: number): string {
  return Number.isFinite(at) ? new Date(at).toISOString().slice(11, 23) : '?'
}
