import type { Creation, Evidence, Redrive, Sighting, Telling, TimerView } from './evidence.ts'

/** Broken promises, one line each. Only empty lists are a flawless run. */
export interface Flaws {
  /** Acknowledged and never seen, and nothing that the API says of it excuses that; or made due again for nothing. */
  readonly lost: string[]
  /** Seen, or tried, more often than asked for: once, and once more for each redrive; or more often than there were attempts. */
  readonly doubled: string[]
  /** Seen before it was due. */
  readonly early: string[]
  /** Seen after the API had told that it is `unknown`, and nobody has asked for it to be sent again. */
  readonly late: string[]
  /** The API tells something else than clients and receiver saw. */
  readonly misreported: string[]
  /** An attempt came to nothing, and nothing that was broken explains it. */
  readonly unexplained: string[]
  /** Not finished, although nothing was broken any more. */
  readonly unfinished: string[]
  /** A client was sent away although nothing was broken any more. */
  readonly unavailable: string[]
}

export const FLAWLESS: Flaws = {
  lost: [],
  doubled: [],
  early: [],
  late: [],
  misreported: [],
  unexplained: [],
  unfinished: [],
  unavailable: [],
}

export interface Verdict {
  readonly flaws: Flaws
  /** Timers that ended as `unknown`. Whether they may is for the test to say. */
  readonly unknown: readonly UnknownTimer[]
}

export interface UnknownTimer {
  readonly id: number
  readonly dueAt: number
  /** The first request, where one did reach the receiver. */
  readonly seen: Sighting | undefined
  /** Why its last attempt came to nothing. */
  readonly why: string
}

/** How long after the last fault the service may take to recover by itself. */
const RECOVERED_AFTER_MS = 8_000
/** A request that was on its way when `unknown` was told is not late, and this process reads one after the other. */
const ON_THE_WIRE_MS = 250

/**
 * Judges a run that has come to rest, from the clients' log, the receivers' log and what the API says.
 *
 * | mode            | promise                                                                                      |
 * | --------------- | -------------------------------------------------------------------------------------------- |
 * | `at_most_once`  | acknowledged: seen once; or `unknown`, or `failed` because it was refused, seen at most once; |
 * |                 | and once more at most for each redrive that was asked for and not refused                     |
 * | `at_least_once` | acknowledged: seen; each request belongs to an attempt; or `failed` because it was refused     |
 * | both            | never early; never after `unknown` was told; not acknowledged: judged alike, but never lost;   |
 * |                 | every status agrees with what was seen; every attempt that came to nothing is explained        |
 */
export function judge(evidence: Evidence): Verdict {
  const { creations, views, explain, healedAt = Number.POSITIVE_INFINITY, restAt } = evidence
  const flaws = structuredClone(FLAWLESS)
  const unknown: UnknownTimer[] = []
  const seenByKey = groupBy(evidence.sightings, ({ key }) => key)
  const redrivesById = groupBy(evidence.redrives ?? [], ({ id }) => id)
  const tellingsById = groupBy(evidence.tellings ?? [], ({ id }) => id)
  const promised = new Map<number, string>()

  for (const creation of creations) {
    const { key, acknowledged } = creation
    const seen = seenByKey.get(key) ?? []
    seenByKey.delete(key)
    if (acknowledged === undefined && creation.askedAt > healedAt + RECOVERED_AFTER_MS)
      flaws.unavailable.push(`${key} failed with ${creation.failure} at ${iso(creation.askedAt)}`)
    if (acknowledged !== undefined) {
      const other = promised.get(acknowledged.id)
      if (other !== undefined)
        flaws.lost.push(`timer ${acknowledged.id} was promised to ${other} and to ${key}`)
      promised.set(acknowledged.id, key)
    }
    const id = acknowledged?.id ?? seen[0]?.id
    if (id === undefined) continue
    const timer: JudgedTimer = {
      creation,
      seen,
      id,
      view: views.get(id),
      redrives: redrivesById.get(id) ?? [],
      tellings: tellingsById.get(id) ?? [],
      restAt: restAt ?? Number.POSITIVE_INFINITY,
      healedAt,
    }
    const tell = (kind: keyof Flaws, what: string): void => {
      flaws[kind].push(`${key} (timer ${id}, ${creation.mode}) ${what} ${history(timer)}`)
    }
    for (const [kind, find] of Object.entries(FINDERS)) {
      for (const what of find(timer)) tell(kind as keyof Flaws, what)
    }
    const { view } = timer
    if (view === undefined) continue
    let why: string | undefined
    for (const attempt of view.attempt_log) {
      why = attempt.outcome === 'delivered' ? 'delivered' : explain?.(attempt, creation)
      if (why === undefined && explain !== undefined) {
        const { outcome, reason, at } = attempt
        tell('unexplained', `attempt ${attempt.attempt} at ${at} is ${outcome} (${reason})`)
      }
    }
    if (view.status === 'unknown') {
      unknown.push({
        id,
        dueAt: Date.parse(view.due_at),
        seen: seen[0],
        why: why ?? 'without an explanation',
      })
    }
  }
  for (const [key, seen] of seenByKey)
    flaws.misreported.push(`${key} was seen ${seen.length} times and never asked for`)
  return { flaws, unknown }
}

interface JudgedTimer {
  readonly creation: Creation
  readonly seen: readonly Sighting[]
  readonly id: number
  readonly view: TimerView | undefined
  readonly redrives: readonly Redrive[]
  readonly tellings: readonly Telling[]
  readonly restAt: number
  readonly healedAt: number
}

const FINDERS = {
  lost: losses,
  doubled: doubles,
  early: earlies,
  late: latecomers,
  misreported: contradictions,
  unfinished: leftovers,
  unavailable: refusals,
} satisfies Partial<Record<keyof Flaws, (timer: JudgedTimer) => string[]>>

function losses({ creation, seen, view, redrives, restAt }: JudgedTimer): string[] {
  if (creation.acknowledged === undefined) return []
  if (view === undefined) return ['is not known to the API']
  const promises = 1 + redrives.filter(({ answer }) => answer === 202).length
  const made = view.attempts ?? 0
  if (promises > 1 && made < promises && view.status !== 'pending')
    return [`was promised ${promises} attempts and made ${made}`]
  if (seen.length > 0) return []
  const { attempt_log: attempts, status } = view
  // Or lost with its worker, and refused from then on.
  const refused =
    attempts.at(-1)?.outcome === 'never_sent' &&
    attempts.every(({ outcome }) => outcome === 'never_sent' || outcome === 'interrupted')
  if (status === 'failed' && refused) return []
  // Why it is so is judged apart: every attempt that came to nothing must be explained.
  if (status === 'unknown' && attempts.length > 0) return []
  if (status === 'pending' && attempts.length > 0 && !isOverdue(view, restAt)) return []
  return [`was never seen and is ${status}`]
}

function doubles({ creation, seen, id, view, redrives }: JudgedTimer): string[] {
  const found: string[] = []
  if (seen.some((sighting) => sighting.id !== id)) found.push('was seen under several ids')
  const tries = view === undefined ? 1 : mayHaveLeft(view)
  if (creation.mode === 'at_least_once') {
    if (seen.length > tries) found.push(`was seen ${seen.length} times, ${tries} allowed`)
    return found
  }
  const most = 1 + redrives.filter(mayHaveHappened).length
  const isWhole = view?.attempts === view?.attempt_log.length
  if (seen.length > most) found.push(`was seen ${seen.length} times, ${most} allowed`)
  else if (isWhole && tries > most) found.push(`was tried ${tries} times, ${most} allowed`)
  return found
}

/** What was refused has not happened. What got no answer, or a 503, may have: once. */
function mayHaveHappened({ answer }: Redrive): boolean {
  return answer === 202 || isUncertain(answer)
}

function isUncertain(answer: Redrive['answer']): boolean {
  return answer === 'cut' || answer === 503
}

/** How many of a timer's attempts can have reached the receiver. The log keeps the last ten. */
function mayHaveLeft({ attempts = 0, attempt_log: log, status }: TimerView): number {
  const never = log.filter(({ outcome }) => outcome === 'never_sent' || outcome === 'blocked').length
  return attempts - never + (status === 'firing' ? 1 : 0)
}

/** Left after `unknown` was told: an attempt that was meant by it; or any, where no redrive since can be why. */
function latecomers({ seen, view, tellings, redrives }: JudgedTimer): string[] {
  const left =
    view?.attempt_log.filter(({ outcome }) => outcome !== 'never_sent' && outcome !== 'blocked') ?? []
  const meant = left.flatMap(({ attempt, at }) => {
    const told = tellings.find(
      ({ attempts, answeredAt }) => attempt <= attempts && answeredAt < Date.parse(at),
    )
    return told === undefined
      ? []
      : [`sent attempt ${attempt} ${Date.parse(at) - told.answeredAt} ms after it was told to be unknown`]
  })
  if (meant.length > 0) return meant
  return seen.flatMap(({ receivedAt }) => {
    const told = tellings.findLast(({ answeredAt }) => answeredAt + ON_THE_WIRE_MS < receivedAt)
    if (told === undefined) return []
    const asked = redrives.some(
      (redrive) =>
        mayHaveHappened(redrive) &&
        redrive.askedAt <= receivedAt &&
        (isUncertain(redrive.answer) || redrive.answeredAt >= told.askedAt),
    )
    return asked ? [] : [`was seen ${receivedAt - told.answeredAt} ms after it was told to be unknown`]
  })
}

/** Answers to a redrive that there is no reason for. */
function refusals({ redrives, healedAt }: JudgedTimer): string[] {
  return redrives.flatMap(({ answer, askedAt }) => {
    const expected = answer === 202 || answer === 409
    const excused = isUncertain(answer) && askedAt <= healedAt + RECOVERED_AFTER_MS
    return expected || excused ? [] : [`got ${answer} for a redrive at ${iso(askedAt)}`]
  })
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
  if (view.delivery !== creation.mode || view.max_attempts !== (creation.maxAttempts ?? view.max_attempts))
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
  if (view?.status === 'pending' && isOverdue(view, restAt)) return ['is still pending']
  return []
}

/**
 * Whether a pending timer should have been tried. A planned attempt is not told of any more once its time has come: whoever
 * waits for rest looks after those.
 */
function isOverdue({ due_at, next_attempt_at, attempt_log }: TimerView, restAt: number): boolean {
  if (next_attempt_at !== undefined) return Date.parse(next_attempt_at) <= restAt
  return attempt_log.length === 0 && Date.parse(due_at) <= restAt
}

/** All that is known of a timer, for who has to find out what went wrong. */
function history({ creation, seen, view, redrives, tellings }: JudgedTimer): string {
  const clock = (at: number): string => iso(at).slice(11, 23)
  const list = (parts: readonly string[]): string => parts.join(', ') || 'none'
  const seenAt = seen.map(
    (one) => `${clock(one.receivedAt)} ${one.answer ?? 'unread'}${one.answeredAt ? '' : ', unanswered'}`,
  )
  const told = view?.attempt_log.map((one) => `${one.at.slice(11, 23)} ${one.outcome}`) ?? []
  const due = creation.acknowledged?.dueAt ?? (view && Date.parse(view.due_at))
  const parts = [
    `asked ${clock(creation.askedAt)}`,
    `due ${due === undefined ? '?' : clock(due)}`,
    `seen ${seenAt.join(', ') || 'never'}`,
    `status ${view?.status}`,
    `attempts ${list(told)}`,
    ...(redrives.length === 0
      ? []
      : [`redrives ${list(redrives.map(({ askedAt, answer }) => `${clock(askedAt)} ${answer}`))}`]),
    ...(tellings.length === 0
      ? []
      : [`told to be unknown ${list(tellings.map(({ answeredAt }) => clock(answeredAt)))}`]),
  ]
  return `[${parts.join('; ')}]`
}

function iso(at: number): string {
  return new Date(at).toISOString()
}

function groupBy<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>()
  for (const item of items) {
    const group = groups.get(keyOf(item))
    if (group === undefined) groups.set(keyOf(item), [item])
    else group.push(item)
  }
  return groups
}
