import { type Flaws, percentile, type Verdict } from '@timers/lab'
import { faultsOn } from './fault-kinds.ts'
import { HEALTHY, indexOf } from './load-plan.ts'
import type { Options } from './options.ts'
import type { Plan } from './plan.ts'
import type { RunResult } from './run.ts'

/** All that a run came to: what the text, the JSON file and the page are made of. */
export interface Report {
  readonly seed: string
  readonly command: string
  readonly minutes: number
  readonly startedAt: string
  readonly tookSeconds: number
  readonly passed: boolean
  readonly flaws: Flaws
  readonly crashes: readonly string[]
  readonly counts: Counts
  /** Why timers ended as `unknown`, and how many for each reason. */
  readonly unknown: Readonly<Record<string, number>>
  /** Of the clients that got no 201, by the reason. */
  readonly failures: Readonly<Record<string, number>>
  /** How many faults of each kind, and for how long altogether. */
  readonly faults: Readonly<Record<string, { readonly times: number; readonly seconds: number }>>
  /** Faults of the plan that were left out, because Redis was not at full strength when their time came. */
  readonly leftOut: number
  /** For how long the nodes by themselves could not have served each shard, in seconds; none of a single Redis. */
  readonly unservedSeconds: readonly number[]
  readonly stops: RunResult['stops']
  /** When the machine had no time for the experiment: how often, and for how long altogether. */
  readonly standstills: { readonly times: number; readonly seconds: number }
  /** First request minus due time, of the timers that were seen, in milliseconds. */
  readonly latenessMs: Percentiles
  /** The same, of healthy receivers only, while nothing was broken but others: silent hosts, names without an answer. */
  readonly besideSilentMs: Percentiles
  /** From asking to the answer of the API, good or bad, in milliseconds. */
  readonly answerMs: Percentiles
}

interface Counts {
  readonly asked: number
  readonly acknowledged: number
  readonly unacknowledged: number
  /** Of the unacknowledged, those that existed: a receiver saw them. */
  readonly unacknowledgedSeen: number
  readonly requests: number
  readonly status: Readonly<Record<string, number>>
  /** What clients were answered who wanted a timer to be sent again. */
  readonly redrives: Readonly<Record<string, number>>
  /** What clients were answered who wanted a timer to be another, by what they wanted. */
  readonly changes: Readonly<Record<string, Readonly<Record<string, number>>>>
  /** The same, of those who put a timer by key. */
  readonly puts: Readonly<Record<string, number>>
  /** Creates that were sent again with their idempotency key: how many there were, and how many were known. */
  readonly sameCreates: { readonly asked: number; readonly replayed: number }
  /** Cancels and redrives by label: how many ended, and how many timers they were about. */
  readonly sweeps: { readonly asked: number; readonly complete: number; readonly done: number }
  /** Callbacks by what they told, repeats included. */
  readonly callbacks: Readonly<Record<string, number>>
  /** The same, to EVENTS_URL. */
  readonly events: Readonly<Record<string, number>>
  /** How often a client was told that a timer is `unknown`. */
  readonly toldUnknown: number
  /** Timers for hosts that never answer, and for names that no name server answers for. */
  readonly silent: number
  readonly nameless: number
  readonly namesUnanswered: number
}

export interface Percentiles {
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly max: number
}

export function makeReport(plan: Plan, options: Options, result: RunResult, verdict: Verdict): Report {
  const { evidence, crashes, startedAt, endedAt, stops } = result
  const { creations } = evidence
  const failures = Object.entries(verdict.flaws).filter(
    ([kind, lines]) => lines.length > 0 && !mayHappen(kind, options),
  )
  return {
    seed: plan.seed,
    command: commandOf(options),
    minutes: options.minutes,
    startedAt: new Date(startedAt).toISOString(),
    tookSeconds: Math.round((endedAt - startedAt) / 1_000),
    passed: failures.length === 0 && crashes.length === 0,
    flaws: verdict.flaws,
    crashes,
    counts: countsOf(result),
    unknown: tally(verdict.unknown.map(({ why }) => why)),
    failures: tally(creations.flatMap(({ failure }) => (failure === undefined ? [] : [failure]))),
    faults: faultTable(result),
    leftOut: plan.faults.length - result.broken.faults.length,
    unservedSeconds: (result.broken.unserved ?? []).map((spans) =>
      secondsOf(spans.reduce((sum, { from, to }) => sum + to - from, 0)),
    ),
    stops,
    standstills: {
      times: result.broken.standstills.length,
      seconds: secondsOf(result.broken.standstills.reduce((sum, { from, to }) => sum + to - from, 0)),
    },
    latenessMs: percentiles(latenesses(result).map(({ latenessMs }) => latenessMs)),
    besideSilentMs: percentiles(
      latenesses(result).flatMap((one) => (isCalm(one, result) ? [one.latenessMs] : [])),
    ),
    answerMs: percentiles(creations.map(({ tookMs = 0 }) => tookMs)),
  }
}

interface Lateness {
  readonly key: string
  readonly dueAt: number
  readonly latenessMs: number
}

/** After this a fault has no say any more. */
const AFTERMATH_MS = 8_000

/** Whether nothing is wrong with its receiver, and nothing was broken when it was due. */
function isCalm({ key, dueAt }: Lateness, { broken, creates }: RunResult): boolean {
  return (
    HEALTHY.includes(creates[indexOf(key)]?.behaviour ?? 'hang') &&
    broken.faults.every(({ from, to }) => dueAt < from - AFTERMATH_MS || dueAt > to + AFTERMATH_MS)
  )
}

/** The first request of each timer that was seen and never refused: when it was due, and how late it came. */
export function latenesses({ evidence }: RunResult): Lateness[] {
  const seen = new Set<number>()
  return evidence.sightings.flatMap(({ key, id, receivedAt }) => {
    const view = evidence.views.get(id)
    if (view === undefined || seen.has(id)) return []
    if (view.attempt_log[0]?.outcome === 'never_sent') return []
    seen.add(id)
    const dueAt = Date.parse(view.due_at)
    return [{ key, dueAt, latenessMs: receivedAt - dueAt }]
  })
}

function countsOf({ evidence, creates, namesUnanswered }: RunResult): Counts {
  const { creations, sightings, views, redrives = [], tellings = [] } = evidence
  const { changes = [], sweeps = [], callbacks = [] } = evidence
  const keyed = creations.filter(({ idempotencyKey }) => idempotencyKey !== undefined)
  const seen = new Set(sightings.map(({ key }) => key))
  const unacknowledged = creations.filter(({ acknowledged }) => acknowledged === undefined)
  return {
    asked: creations.length,
    acknowledged: creations.length - unacknowledged.length,
    unacknowledged: unacknowledged.length,
    unacknowledgedSeen: unacknowledged.filter(({ key }) => seen.has(key)).length,
    requests: sightings.length,
    status: tally([...views.values()].map(({ status }) => status)),
    redrives: tally(redrives.map(({ answer }) => String(answer))),
    changes: Object.fromEntries(
      [...new Set(changes.map(({ kind }) => kind))].map((kind) => [
        kind,
        tally(changes.filter((one) => one.kind === kind).map(({ answer, code }) => code ?? String(answer))),
      ]),
    ),
    puts: tally(
      creations.flatMap(({ onConflict, acknowledged, failure }) =>
        onConflict === undefined ? [] : [failure ?? (acknowledged?.met ? '200' : '201')],
      ),
    ),
    sameCreates: {
      asked: keyed.length,
      replayed: keyed.filter(({ acknowledged }) => acknowledged?.replayed).length,
    },
    sweeps: {
      asked: sweeps.length,
      complete: sweeps.filter(({ complete }) => complete).length,
      done: sweeps.reduce((sum, { done }) => sum + done, 0),
    },
    callbacks: tally(callbacks.filter(({ isOperator }) => !isOperator).map(({ event }) => event)),
    events: tally(callbacks.filter(({ isOperator }) => isOperator).map(({ event }) => event)),
    toldUnknown: tellings.filter(({ status }) => status === 'unknown').length,
    silent: creates.filter(({ behaviour }) => behaviour === 'silent').length,
    nameless: creates.filter(({ behaviour }) => behaviour === 'nameless').length,
    namesUnanswered,
  }
}

function tally(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1
  return counts
}

function faultTable({ broken }: RunResult): Report['faults'] {
  const table: Record<string, { times: number; seconds: number }> = {}
  for (const { kind, from, to } of broken.faults) {
    const row = table[kind] ?? { times: 0, seconds: 0 }
    table[kind] = { times: row.times + 1, seconds: secondsOf(row.seconds * 1_000 + to - from) }
  }
  return table
}

/** With one digit behind the point. */
function secondsOf(ms: number): number {
  return Math.round(ms / 100) / 10
}

function percentiles(numbers: readonly number[]): Percentiles {
  const at = (share: number): number => (numbers.length === 0 ? Number.NaN : percentile(numbers, share))
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) }
}

/** What a failover that nobody waited for may do to a promise is counted, and no failure: see docs/chaos.md. */
const ALWAYS_HOLD: readonly string[] = ['slow', 'unfinished', 'unavailable']

function mayHappen(flaw: string, { replicas, acks }: Options): boolean {
  return replicas > 0 && acks === 0 && !ALWAYS_HOLD.includes(flaw)
}

function commandOf(options: Options): string {
  const { seed, minutes, ratePerSecond, faults, redis, replicas, acks } = options
  const kinds = faults.length === 0 ? 'none' : faults.join(',')
  const only = faults.length === faultsOn(redis).length ? '' : ` --faults ${kinds}`
  const nodes = redis === 'single' ? '' : ` --redis ${redis} --replicas ${replicas} --acks ${acks}`
  return `npm run chaos -- --seed ${seed} --minutes ${minutes} --rate ${ratePerSecond}${nodes}${only}`
}
