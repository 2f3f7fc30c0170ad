import type { ReceivedRequest } from '@timers/lab'
import type { TimerView } from './api-client.ts'
import type { Creation } from './load.ts'

/** What the verdict reads of a request. */
export type Sighting = Pick<ReceivedRequest, 'id' | 'path' | 'receivedAt' | 'answeredAt'>

export interface Evidence {
  /** The clients' log. */
  readonly creations: readonly Creation[]
  /** The receiver's log. */
  readonly requests: readonly Sighting[]
  /** What the API says in the end of every timer that was acknowledged or seen, by id. */
  readonly views: ReadonlyMap<number, TimerView>
  /** Status with which the receiver answers. */
  readonly answer: number
}

/** Promises that were broken, one line each; four empty lists are a flawless run. */
export interface Flaws {
  /** Acknowledged, never seen by the receiver, and not admitted to as `unknown`. */
  readonly lost: readonly string[]
  /** Seen more than once, or under more than one id. */
  readonly doubled: readonly string[]
  /** Seen before it was due. */
  readonly early: readonly string[]
  /** The API tells something else than clients and receiver saw. */
  readonly misreported: readonly string[]
}

export interface Verdict {
  readonly flaws: Flaws
  /** Timers that ended as `unknown`. Whether they may is for the test to say. */
  readonly unknown: readonly UnknownTimer[]
}

export interface UnknownTimer {
  readonly id: number
  readonly dueAt: number
  /** The request, where it did reach the receiver. */
  readonly seen: Sighting | undefined
}

export const FLAWLESS: Flaws = { lost: [], doubled: [], early: [], misreported: [] }

/**
 * Judges a run that has come to rest, from what the clients and the receiver wrote down.
 *
 * A timer that was acknowledged is seen exactly once, or ends as `unknown` and is seen at most once. A creation that was
 * not acknowledged is seen at most once. Nothing is seen early. `fired` stands for what was seen, and only for that.
 */
export function judge({ creations, requests, views, answer }: Evidence): Verdict {
  const lost: string[] = []
  const doubled: string[] = []
  const early: string[] = []
  const misreported: string[] = []
  const unknown: UnknownTimer[] = []
  const seenByKey = byKey(requests)

  for (const creation of creations) {
    const { key, acknowledged, askedAt, durationMs } = creation
    const seen = seenByKey.get(key) ?? []
    seenByKey.delete(key)
    const [first] = seen
    const id = acknowledged?.id ?? first?.id
    const name = `${key} (timer ${id})`
    if (seen.length > 1)
      doubled.push(`${name} was seen ${seen.length} times: ${seen.map(describe).join(', ')}`)
    const dueAt = acknowledged?.dueAt ?? askedAt + durationMs
    for (const { receivedAt } of seen) {
      if (receivedAt < dueAt) early.push(`${name} was seen ${dueAt - receivedAt} ms early`)
    }
    if (id === undefined) continue
    const view = views.get(id)
    if (view?.status === 'unknown') unknown.push({ id, dueAt, seen: first })
    else if (acknowledged !== undefined && first === undefined)
      lost.push(`${name} is ${view?.status ?? 'not there'}`)
    misreported.push(...contradictions(creation, seen, view, answer).map((what) => `${name} ${what}`))
  }
  for (const [key, seen] of seenByKey)
    misreported.push(`${key} was seen ${seen.length} times and never asked for`)
  return { flaws: { lost, doubled, early, misreported }, unknown }
}

/** What the API says of one timer, against what was seen of it. */
function contradictions(
  { acknowledged, askedAt, durationMs }: Creation,
  seen: readonly Sighting[],
  view: TimerView | undefined,
  answer: number,
): string[] {
  if (view === undefined) return ['is not known to the API']
  const found: string[] = []
  const dueAt = Date.parse(view.due_at)
  const firedAt = view.fired_at === undefined ? undefined : Date.parse(view.fired_at)
  const [first] = seen
  if (acknowledged !== undefined && seen.some(({ id }) => id !== acknowledged.id)) {
    found.push('was seen under another id')
  }
  if (acknowledged !== undefined && dueAt !== acknowledged.dueAt)
    found.push('is due at another time than promised')
  if (dueAt < askedAt + durationMs) found.push('is due before its duration is over')
  if (view.status === 'fired') {
    if (first === undefined) found.push('is fired and was never seen')
    if (view.response_status !== answer) found.push(`has response_status ${view.response_status}`)
    if (firedAt === undefined || firedAt < dueAt)
      found.push(`has fired_at ${view.fired_at}, due ${view.due_at}`)
    else if (view.lateness_ms !== firedAt - dueAt) found.push(`has lateness_ms ${view.lateness_ms}`)
    if (first !== undefined && firedAt !== undefined && firedAt > first.receivedAt) {
      found.push(`has fired_at ${firedAt - first.receivedAt} ms after it was seen`)
    }
  } else if (view.status !== 'unknown') {
    found.push(`is ${view.status} and was seen ${seen.length} times`)
  }
  return found
}

function byKey(requests: readonly Sighting[]): Map<string, Sighting[]> {
  const groups = new Map<string, Sighting[]>()
  for (const request of requests) {
    const key = keyOf(request)
    groups.set(key, [...(groups.get(key) ?? []), request])
  }
  return groups
}

/** The path is `/hook/<key>/<id>`. */
function keyOf({ path }: Sighting): string {
  return path.split('/').at(-2) ?? ''
}

function describe({ id, receivedAt }: Sighting): string {
  return `timer ${id} at ${new Date(receivedAt).toISOString()}`
}
