import type { Change, Creation, Redrive, Sweep } from './answers.ts'
import type { Evidence } from './evidence.ts'
import type { Flaws } from './flaws.ts'
import type { CallbackSighting, Sighting } from './sightings.ts'
import type { AttemptView, TimerView } from './timer-view.ts'
import { judge } from './verdict.ts'

/*
 * Evidence for the judge's tests, made up.
 */

export const START = Date.UTC(2026, 0, 1)
export const DUE = START + 5_000
export const REST = START + 600_000

export interface Story {
  creation?: Partial<Creation>
  /** Sightings of the timer. */
  seen?: Partial<Sighting>[]
  /** `missing`: the API does not know the timer. */
  view?: Partial<TimerView> | 'missing'
  redrives?: Partial<Redrive>[]
  /** Further requests for the same timer. */
  more?: Partial<Creation>[]
  changes?: (Partial<Change> & Pick<Change, 'kind'>)[]
  sweeps?: Partial<Sweep>[]
  callbacks?: Partial<CallbackSighting>[]
  /** Other timers, as the API shows them. */
  others?: Partial<TimerView>[]
  /** When the API said `unknown`. */
  toldAt?: number[]
  evidence?: Partial<Evidence>
}

/** A timer that was acknowledged, seen once on time and fired; with what is different about it. */
export function story(told: Story, id = 1): Evidence {
  const { creation, seen = [{}], view = {}, redrives = [], toldAt = [], evidence } = told
  const { more = [], changes = [], sweeps = [], callbacks = [], others = [] } = told
  const made: Creation = {
    key: `c${id}`,
    mode: 'at_most_once',
    maxAttempts: 3,
    durationMs: 5_000,
    askedAt: START,
    tookMs: 2,
    acknowledged: { id, dueAt: DUE },
    failure: undefined,
    ...creation,
  }
  const sighting = { key: made.key, id, receivedAt: DUE + 3, answer: 200, answeredAt: DUE + 4 }
  const shown = { ...firedView(id, made), ...(view === 'missing' ? {} : view) }
  return {
    creations: [made, ...more.map((one) => ({ ...made, ...one }))],
    sightings: seen.map((one) => ({ ...sighting, ...one })),
    redrives: redrives.map((one) => ({
      id,
      askedAt: DUE + 9_000,
      answeredAt: DUE + 9_010,
      answer: 202,
      ...one,
    })),
    tellings: toldAt.map((at) => ({ id, askedAt: at - 5, answeredAt: at, status: 'unknown', attempts: 1 })),
    changes: changes.map((one) => ({
      id,
      key: made.key,
      askedAt: START + 1_000,
      answeredAt: START + 1_010,
      answer: one.kind === 'fire' ? 202 : 200,
      ...one,
    })),
    sweeps: sweeps.map((one) => ({
      kind: 'cancel',
      label: 'crowd',
      askedAt: START + 1_000,
      answeredAt: START + 1_100,
      answer: 200,
      complete: true,
      done: 1,
      skipped: [],
      ...one,
    })),
    callbacks: callbacks.map((one) => ({
      id,
      event: 'fired',
      webhookId: 'a',
      receivedAt: DUE + 50,
      isOperator: false,
      status: one.event ?? 'fired',
      ...one,
    })),
    views: new Map([
      ...(view === 'missing' ? [] : [[id, shown] as const]),
      ...others.map((one) => [one.id ?? 0, { ...shown, ...one }] as const),
    ]),
    healedAt: REST,
    restAt: REST,
    ...evidence,
  }
}

function firedView(id: number, { mode, maxAttempts }: Creation): TimerView {
  return {
    id,
    status: 'fired',
    due_at: iso(DUE),
    fired_at: iso(DUE + 2),
    lateness_ms: 2,
    response_status: 200,
    attempts: 1,
    delivery: mode,
    max_attempts: maxAttempts ?? 10,
    attempt_log: [attempt('delivered')],
  }
}

export function attempt(outcome: string, at = DUE + 2, response_status?: number): AttemptView {
  const status = response_status ?? (outcome === 'delivered' ? 200 : undefined)
  return { attempt: 1, at: iso(at), outcome, ...(status !== undefined && { response_status: status }) }
}

/** A view after these outcomes, the first told of first, without a request that is known to have left. */
export function view(status: TimerView['status'], ...outcomes: string[]): Partial<TimerView> {
  const log = outcomes.map((outcome, index) => ({ ...attempt(outcome), attempt: index + 1 }))
  const nothing = { fired_at: undefined, lateness_ms: undefined, response_status: undefined } as object
  return { ...nothing, status, attempts: log.length, attempt_log: log }
}

export function iso(at: number): string {
  return new Date(at).toISOString()
}

/** Flaws by kind, as counts; what is not there is 0. */
export function found(evidence: Evidence): Partial<Record<keyof Flaws, number>> {
  const counts = Object.entries(judge(evidence).flaws).map(([kind, lines]) => [kind, lines.length] as const)
  return Object.fromEntries(counts.filter(([, count]) => count > 0))
}

export type Case = [name: string, told: Story, expected: Partial<Record<keyof Flaws, number>>]

export const cancelled = view('cancelled')
/** What an answer says of the timer. */
export const told = (status: string, dueAt?: number): Pick<Change, 'told'> => ({ told: { status, dueAt } })
export const cancel = { kind: 'cancel', ...told('cancelled') } as const
/** A 409. */
export const refusedBy = (code: string, status: string, kind: Change['kind'] = 'cancel') =>
  ({ kind, answer: 409, code, ...told(status) }) as const
