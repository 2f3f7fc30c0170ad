import { type Evidence, RECOVERED_AFTER_MS } from './evidence.ts'
import { FLAWLESS, type Flaws } from './flaws.ts'
import { gather, type Wish } from './gather.ts'
import { history } from './history.ts'
import type { JudgedTimer } from './judged-timer.ts'
import { refusals, wrongAnswers, wrongTellings } from './rules/answers.ts'
import { retold, untold, wrongCallbacks } from './rules/callbacks.ts'
import { cancelledForNothing, revivals } from './rules/cancels.ts'
import { staleContents } from './rules/contents.ts'
import { contradictions } from './rules/contradictions.ts'
import { denials, keyDenials } from './rules/denials.ts'
import { doubles } from './rules/doubles.ts'
import { overstays, wrongExpiries } from './rules/expiries.ts'
import { twins, wrongKeyAnswers } from './rules/keys.ts'
import { latecomers } from './rules/latecomers.ts'
import { leftovers } from './rules/leftovers.ts'
import { wrongLists } from './rules/lists.ts'
import { losses } from './rules/losses.ts'
import { miscounted } from './rules/sweeps.ts'
import { earlies, slowness, tardiness, wrongDueTimes } from './rules/times.ts'
import type { Sighting } from './sightings.ts'
import type { AttemptView, TimerView } from './timer-view.ts'

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

/** Why a creation may fail while something is broken. */
const TROUBLE = [
  'cut',
  'STORE_UNAVAILABLE',
  'STORE_REFUSED',
  'NOT_READY',
  'TOO_MANY_CONNECTIONS',
  'REQUEST_TIMEOUT',
]

/** What is looked for in each timer, and which kind of flaw it is. */
const RULES: readonly (readonly [keyof Flaws, (timer: JudgedTimer) => string[]])[] = [
  ['lost', losses],
  ['doubled', doubles],
  ['early', earlies],
  ['late', latecomers],
  ['revived', revivals],
  ['stale', staleContents],
  ['overstayed', overstays],
  ['untold', untold],
  ['retold', retold],
  ['denied', denials],
  ['misreported', contradictions],
  ['misreported', wrongDueTimes],
  ['misreported', wrongAnswers],
  ['misreported', wrongTellings],
  ['misreported', wrongCallbacks],
  ['misreported', wrongExpiries],
  ['misreported', cancelledForNothing],
  ['unfinished', leftovers],
  ['unavailable', refusals],
]

/**
 * Judges a run that has come to rest, from the clients' log, the receivers' log and what the API says.
 *
 * | what            | promise                                                                                       |
 * | --------------- | --------------------------------------------------------------------------------------------- |
 * | `at_most_once`  | acknowledged: seen once; or `unknown`, or `failed` because it was refused, seen at most once;  |
 * |                 | and once more at most for each redrive that was asked for and not refused                      |
 * | `at_least_once` | acknowledged: seen; each request belongs to an attempt; or `failed` because it was refused      |
 * | ids             | one timer each, and no 404 for one that was promised                                           |
 * | both            | never early; never after `unknown` was told; not acknowledged: judged alike, but never lost;    |
 * |                 | every status agrees with what was seen; every attempt that came to nothing is explained         |
 * | cancel          | 200: no request after it, and `cancelled` for ever; 409: the timer was tried, or had its end    |
 * | change          | 200: what is sent after it is of the new content, whole, and not before the new time            |
 * | keys            | one timer for an idempotency key, at one time; one pending timer for an own key                 |
 * | expiry          | sent in time, or `expired` and never sent after                                                 |
 * | callbacks       | every end that was asked for is told, each under one id, and nothing else is                    |
 *
 * What got no answer may have happened, at any time since, or not at all.
 */
export function judge(evidence: Evidence): Verdict {
  const { creations, healedAt = Number.POSITIVE_INFINITY } = evidence
  const flaws = structuredClone(FLAWLESS)
  const unknown: UnknownTimer[] = []
  const { wishes, strays } = gather(evidence)

  for (const { key, acknowledged, failure = '', takenBy, askedAt } of creations) {
    if (acknowledged !== undefined || takenBy !== undefined) continue
    if (askedAt > healedAt + RECOVERED_AFTER_MS || !TROUBLE.includes(failure))
      flaws.unavailable.push(`${key} failed with ${failure} at ${new Date(askedAt).toISOString()}`)
  }
  flaws.shared.push(...promisedTwice(wishes))
  const misses = evidence.misses ?? []
  for (const { key, asked, timers } of wishes) {
    const stories = (): string => timers.map(history).join(' ')
    flaws.twins.push(...twins(asked, timers).map((what) => `${key}: ${what} ${stories()}`))
    flaws.misreported.push(...wrongKeyAnswers(asked, timers).map((what) => `${key}: ${what} ${stories()}`))
    flaws.denied.push(...keyDenials(asked, timers, misses).map((what) => `${key}: ${what} ${stories()}`))
    for (const timer of timers) {
      judgeTimer(timer, evidence, flaws)
      const { id, view, seen } = timer
      if (view?.status !== 'unknown') continue
      const why = reasons(view, timer, evidence).at(-1) ?? 'without an explanation'
      unknown.push({ id, dueAt: Date.parse(view.due_at), seen: seen[0], why })
    }
  }
  const timers = wishes.flatMap((wish) => wish.timers)
  flaws.misreported.push(...miscounted(evidence.sweeps ?? [], timers), ...wrongLists(evidence))
  for (const [key, times] of strays)
    flaws.misreported.push(`${key} was seen ${times} times and never asked for`)
  return { flaws, unknown }
}

function judgeTimer(timer: JudgedTimer, evidence: Evidence, flaws: Flaws): void {
  const { creation, id, view } = timer
  const { explain, promptWithinMs, unservedMs } = evidence
  const tell = (kind: keyof Flaws, what: string): void => {
    flaws[kind].push(`${creation.key} (timer ${id}, ${creation.mode}) ${what} ${history(timer)}`)
  }
  for (const [kind, find] of RULES) {
    for (const what of find(timer)) tell(kind, what)
  }
  const withinMs = promptWithinMs?.(creation)
  for (const what of slowness(timer, withinMs)) tell('slow', what)
  if (unservedMs !== undefined)
    for (const what of tardiness(timer, withinMs !== undefined, unservedMs)) tell('slow', what)
  if (view === undefined || explain === undefined) return
  reasons(view, timer, evidence).forEach((why, index) => {
    const { attempt, at, outcome, reason } = attemptsOf(view)[index] as AttemptView
    if (why === undefined) tell('unexplained', `attempt ${attempt} at ${at} is ${outcome} (${reason})`)
  })
}

/** Why each attempt came to what it is. */
function reasons(view: TimerView, { creation }: JudgedTimer, { explain }: Evidence): (string | undefined)[] {
  return attemptsOf(view).map((attempt) =>
    attempt.outcome === 'delivered' ? 'delivered' : explain?.(attempt, creation),
  )
}

/** What was not sent in time is one more that came to nothing. */
function attemptsOf({ status, due_at, attempts = 0, attempt_log: log }: TimerView): readonly AttemptView[] {
  if (status !== 'expired') return log
  return [...log, { attempt: attempts + 1, at: due_at, outcome: 'expired', reason: 'not sent in time' }]
}

/** Ids that were promised to two who wanted different timers. */
function promisedTwice(wishes: readonly Wish[]): string[] {
  const promised = new Map<number, string>()
  return wishes.flatMap(({ key, timers }) =>
    timers.flatMap(({ id, asked }) => {
      if (!asked.some(({ acknowledged }) => acknowledged?.id === id)) return []
      const other = promised.get(id)
      promised.set(id, key)
      return other === undefined ? [] : [`timer ${id} was promised to ${other} and to ${key}`]
    }),
  )
}
