import type { AttemptView, Creation, Evidence, Sighting, TimerView } from './evidence.ts'
import { Explanations } from './explanation.ts'

/** Broken promises, one line each. Only empty lists are a flawless run. */
export interface Flaws {
  /** Acknowledged and never seen, and nothing that the API says of it excuses that. */
  readonly lost: string[]
  /** Seen more often than asked for: twice in all at most once, or more often than there were attempts. */
  readonly doubled: string[]
  /** Seen before it was due. */
  readonly early: string[]
  /** The API tells something else than clients and receiver saw. */
  readonly misreported: string[]
  /** An attempt came to nothing, and nothing that was broken explains it. */
  readonly unexplained: string[]
  /** Not finished, although nothing was broken any more. */
  readonly unfinished: string[]
  /** A client was sent away although nothing was broken any more. */
  readonly unavailable: string[]
}

/** How long after the last fault the service may take to recover by itself. */
const RECOVERED_AFTER_MS = 8_000

export interface Verdict {
  readonly flaws: Flaws
  readonly counts: Counts
  /** Why timers ended as `unknown`, and how many for each reason. */
  readonly unknown: Readonly<Record<string, number>>
}

interface Counts {
  readonly asked: number
  readonly acknowledged: number
  readonly unacknowledged: number
  /** Of the unacknowledged, those that existed: the receiver saw them. */
  readonly unacknowledgedSeen: number
  readonly requests: number
  readonly status: Readonly<Record<string, number>>
}

/**
 * Judges a run that has come to rest, from the clients' log, the receiver's log and what the API says.
 *
 * | mode            | promise                                                                                     |
 * | --------------- | ------------------------------------------------------------------------------------------- |
 * | `at_most_once`  | acknowledged: seen once; or `unknown`, or `failed` because it was refused, seen at most once  |
 * | `at_least_once` | acknowledged: seen; each request belongs to an attempt; or `failed` because it was refused     |
 * | both            | never early; not acknowledged: judged alike, but never lost; every status agrees with what was |
 * |                 | seen; every attempt that came to nothing is explained by what was broken                       |
 */
export function judge(evidence: Evidence): Verdict {
  const flaws: Flaws = {
    lost: [],
    doubled: [],
    early: [],
    misreported: [],
    unexplained: [],
    unfinished: [],
    unavailable: [],
  }
  const unknown: Record<string, number> = {}
  const status: Record<string, number> = {}
  const explanations = new Explanations(evidence)
  const seenByKey = groupByKey(evidence.sightings)
  const promised = new Map<number, string>()
  let unacknowledgedSeen = 0

  for (const creation of evidence.creations) {
    const seen = seenByKey.get(creation.key) ?? []
    seenByKey.delete(creation.key)
    const { acknowledged } = creation
    if (acknowledged === undefined && creation.askedAt > evidence.healedAt + RECOVERED_AFTER_MS)
      flaws.unavailable.push(
        `${creation.key} failed with ${creation.failure} at ${new Date(creation.askedAt).toISOString()}`,
      )
    if (acknowledged !== undefined) {
      const other = promised.get(acknowledged.id)
      if (other !== undefined)
        flaws.lost.push(`timer ${acknowledged.id} was promised to ${other} and to ${creation.key}`)
      promised.set(acknowledged.id, creation.key)
    } else if (seen.length > 0) {
      unacknowledgedSeen += 1
    }
    const id = acknowledged?.id ?? seen[0]?.id
    if (id === undefined) continue
    const view = evidence.views.get(id)
    const timer: JudgedTimer = { creation, seen, id, view, restAt: evidence.restAt }
    const name = `${creation.key} (timer ${id}, ${creation.mode}, ${creation.behaviour})`
    for (const [kind, found] of Object.entries(flawsOf(timer)) as [keyof Flaws, string[]][]) {
      flaws[kind].push(
        ...found.map((what) => `${name} ${what}${kind === 'early' ? '' : ` ${history(timer)}`}`),
      )
    }
    if (view === undefined) continue
    count(status, view.status)
    const reasons = view.attempt_log.map((attempt) => ({
      attempt,
      why: explain(attempt, creation, explanations),
    }))
    for (const { attempt, why } of reasons) {
      if (why === undefined) {
        const { outcome, reason, at } = attempt
        flaws.unexplained.push(
          `${name}: attempt ${attempt.attempt} at ${at} is ${outcome} (${reason}) ${history(timer)}`,
        )
      }
    }
    if (view.status === 'unknown') count(unknown, reasons.at(-1)?.why ?? 'without an explanation')
  }
  for (const [key, seen] of seenByKey)
    flaws.misreported.push(`${key} was seen ${seen.length} times and never asked for`)

  const acknowledged = evidence.creations.filter((creation) => creation.acknowledged !== undefined).length
  return {
    flaws,
    unknown,
    counts: {
      asked: evidence.creations.length,
      acknowledged,
      unacknowledged: evidence.creations.length - acknowledged,
      unacknowledgedSeen,
      requests: evidence.sightings.length,
      status,
    },
  }
}

interface JudgedTimer {
  readonly creation: Creation
  readonly seen: readonly Sighting[]
  readonly id: number
  readonly view: TimerView | undefined
  readonly restAt: number
}

function flawsOf(timer: JudgedTimer): Omit<Flaws, 'unexplained' | 'unavailable'> {
  return {
    lost: losses(timer),
    doubled: doubles(timer),
    early: earlies(timer),
    misreported: contradictions(timer),
    unfinished: leftovers(timer),
  }
}

function losses({ creation, seen, view, restAt }: JudgedTimer): string[] {
  if (creation.acknowledged === undefined) return []
  if (view === undefined) return ['is not known to the API']
  if (seen.length > 0) return []
  const { attempt_log: attempts, status } = view
  const refused = attempts.length > 0 && attempts.every(({ outcome }) => outcome === 'never_sent')
  if (status === 'failed' && refused) return []
  // Why it is so is judged apart: every attempt that came to nothing must be explained.
  if (status === 'unknown' && attempts.length > 0) return []
  if (status === 'pending' && attempts.length > 0 && plannedAt(view) > restAt) return []
  return [`was never seen and is ${status}`]
}

function doubles({ creation, seen, id, view }: JudgedTimer): string[] {
  const found: string[] = []
  if (seen.some((sighting) => sighting.id !== id)) found.push('was seen under several ids')
  const most = creation.mode === 'at_most_once' ? 1 : view === undefined ? 1 : mayHaveLeft(view)
  if (seen.length > most) found.push(`was seen ${seen.length} times, ${most} allowed`)
  return found
}

/** How many of a timer's attempts can have reached the receiver. The log keeps the last ten. */
function mayHaveLeft({ attempts = 0, attempt_log: log, status }: TimerView): number {
  const never = log.filter(({ outcome }) => outcome === 'never_sent' || outcome === 'blocked').length
  return attempts - never + (status === 'firing' ? 1 : 0)
}

function earlies({ creation, seen, view }: JudgedTimer): string[] {
  const { acknowledged, askedAt, durationMs } = creation
  const found: string[] = []
  const dueAt = acknowledged?.dueAt ?? (view === undefined ? askedAt + durationMs : Date.parse(view.due_at))
  if (dueAt < askedAt + durationMs)
    found.push(`is due ${askedAt + durationMs - dueAt} ms before its time is over`)
  for (const { receivedAt } of seen) {
    if (receivedAt < dueAt) found.push(`was seen ${dueAt - receivedAt} ms early`)
  }
  return found
}

/** What the API says of one timer, against what was promised and seen. */
function contradictions({ creation, seen, view }: JudgedTimer): string[] {
  if (creation.failure === 'STORE_REFUSED' && seen.length > 0) return ['was refused, and exists all the same']
  if (view === undefined) return seen.length > 0 ? ['was seen and is not known to the API'] : []
  const found: string[] = []
  const dueAt = Date.parse(view.due_at)
  if (creation.acknowledged !== undefined && creation.acknowledged.dueAt !== dueAt)
    found.push('is due at another time than promised')
  if (view.delivery !== creation.mode || view.max_attempts !== creation.maxAttempts)
    found.push(`is ${view.delivery} with ${view.max_attempts} attempts, other than asked for`)
  found.push(...answersNeverGiven(view, seen))
  const last = view.attempt_log.at(-1)
  switch (view.status) {
    case 'fired':
      if (last?.outcome !== 'delivered') found.push('is fired and was not delivered')
      if (view.response_status !== 200) found.push(`is fired with status ${view.response_status}`)
      break
    case 'failed':
      if (last?.outcome !== 'rejected' && last?.outcome !== 'never_sent')
        found.push(`is failed after ${last?.outcome}`)
      if (last?.outcome === 'rejected' && view.response_status !== last.response_status)
        found.push(`has status ${view.response_status}`)
      break
    case 'unknown':
      if (last?.outcome !== 'ambiguous' && last?.outcome !== 'interrupted')
        found.push(`is unknown after ${last?.outcome}`)
      break
  }
  found.push(...wrongTimes(view, dueAt, seen))
  return found
}

/** Attempts that claim an answer which the receiver never gave. */
function answersNeverGiven({ attempt_log: log }: TimerView, seen: readonly Sighting[]): string[] {
  const given = seen.filter(({ answeredAt }) => answeredAt !== undefined).map(({ answer }) => answer)
  const found: string[] = []
  for (const { outcome, response_status: status } of log) {
    if (outcome !== 'delivered' && outcome !== 'rejected') continue
    const at = given.indexOf(status ?? 0)
    if (at < 0) found.push(`claims an answer ${status} that was never given`)
    else given.splice(at, 1)
  }
  return found
}

function wrongTimes(view: TimerView, dueAt: number, seen: readonly Sighting[]): string[] {
  if (view.fired_at === undefined) return []
  const found: string[] = []
  const firedAt = Date.parse(view.fired_at)
  const [first] = seen
  if (firedAt < dueAt) found.push(`has fired_at ${dueAt - firedAt} ms before it was due`)
  else if (view.lateness_ms !== firedAt - dueAt) found.push(`has lateness_ms ${view.lateness_ms}`)
  // Only where no earlier request is without an outcome: the first request that is known to have left.
  const all = view.attempt_log.every(({ outcome }) => outcome !== 'interrupted')
  if (all && first !== undefined && firedAt > first.receivedAt)
    found.push(`has fired_at ${firedAt - first.receivedAt} ms after it was seen`)
  return found
}

function leftovers({ view, restAt }: JudgedTimer): string[] {
  if (view?.status === 'firing') return ['is still firing']
  if (view?.status === 'pending' && plannedAt(view) <= restAt) return ['is still pending']
  return []
}

/** When a pending timer is to be tried next. */
function plannedAt(view: TimerView): number {
  return Date.parse(view.next_attempt_at ?? view.due_at)
}

/** Answers explain themselves. */
function explain(attempt: AttemptView, creation: Creation, explanations: Explanations): string | undefined {
  if (attempt.outcome === 'delivered') return 'delivered'
  if (attempt.outcome === 'rejected') return creation.behaviour === 'error' ? 'receiver: error' : undefined
  return explanations.of(attempt, creation)
}

/** All that is known of a timer, for who has to find out what went wrong. */
function history({ creation, seen, view }: JudgedTimer): string {
  const iso = (at: number): string => new Date(at).toISOString().slice(11, 23)
  const seenAt = seen.map(
    (one) => `${iso(one.receivedAt)} ${one.answer ?? 'unread'}${one.answeredAt ? '' : ', unanswered'}`,
  )
  const told = view?.attempt_log.map((one) => `${one.at.slice(11, 23)} ${one.outcome}`) ?? []
  const due = creation.acknowledged?.dueAt ?? (view && Date.parse(view.due_at))
  return `[asked ${iso(creation.askedAt)}; due ${due === undefined ? '?' : iso(due)}; seen ${seenAt.join(', ') || 'never'}; status ${view?.status}; attempts ${told.join(', ') || 'none'}]`
}

function groupByKey(sightings: readonly Sighting[]): Map<string, Sighting[]> {
  const groups = new Map<string, Sighting[]>()
  for (const sighting of sightings) {
    const group = groups.get(sighting.key)
    if (group === undefined) groups.set(sighting.key, [sighting])
    else group.push(sighting)
  }
  return groups
}

function count(counts: Record<string, number>, what: string): void {
  counts[what] = (counts[what] ?? 0) + 1
}
