import type { AttemptView, Creation, Evidence, FaultRun, Sighting, TimerView } from './evidence.ts'
import { type Flaws, judge } from './verdict.ts'

const START = Date.UTC(2026, 0, 1)
const DUE = START + 5_000
const TIMEOUT_MS = 4_000
const REST = START + 600_000

interface Story {
  creation?: Partial<Creation>
  /** Sightings of the timer. */
  seen?: Partial<Sighting>[]
  /** `missing`: the API does not know the timer. */
  view?: Partial<TimerView> | 'missing'
  faults?: FaultRun[]
  closings?: Evidence['closings']
}

/** A timer that was acknowledged, seen once on time and fired; with what is different about it. */
function story(
  id: number,
  { creation, seen = [{}], view = {}, faults = [], closings = [] }: Story,
): Evidence {
  const key = `c${id}-0`
  const made: Creation = {
    key,
    behaviour: 'fast',
    door: 0,
    mode: 'at_most_once',
    maxAttempts: 3,
    durationMs: 5_000,
    askedAt: START,
    tookMs: 2,
    acknowledged: { id, dueAt: DUE },
    ...creation,
  }
  const sightings = seen.map((one) => ({
    key,
    id,
    receivedAt: DUE + 3,
    answer: 200,
    answeredAt: DUE + 4,
    ...one,
  }))
  const shown: TimerView = {
    id,
    status: 'fired',
    due_at: iso(DUE),
    fired_at: iso(DUE + 2),
    lateness_ms: 2,
    response_status: 200,
    attempts: 1,
    delivery: made.mode,
    max_attempts: made.maxAttempts,
    attempt_log: [attempt('delivered', DUE + 2, 200)],
    ...(view === 'missing' ? {} : view),
  }
  return {
    creations: [made],
    sightings,
    views: new Map(view === 'missing' ? [] : [[id, shown]]),
    faults,
    closings,
    webhookTimeoutMs: TIMEOUT_MS,
    healedAt: REST,
    restAt: REST,
  }
}

function attempt(outcome: string, at: number, status?: number): AttemptView {
  return { attempt: 1, at: iso(at), outcome, ...(status === undefined ? {} : { response_status: status }) }
}

/** A view without a request that is known to have left. */
function unsent(status: TimerView['status'], outcome: string, at = DUE + 2): Partial<TimerView> {
  const view = { status, attempt_log: [attempt(outcome, at)] } as Partial<TimerView>
  return {
    ...view,
    ...({ fired_at: undefined, lateness_ms: undefined, response_status: undefined } as object),
  }
}

function iso(at: number): string {
  return new Date(at).toISOString()
}

function fault(kind: FaultRun['kind'], from: number, to: number, more: Partial<FaultRun> = {}): FaultRun {
  return { kind, slots: ['worker-1'], from, to, ...more }
}

/** Flaws by kind, as counts; what is not there is 0. */
function found(evidence: Evidence): Partial<Record<keyof Flaws, number>> {
  const { flaws } = judge(evidence)
  return Object.fromEntries(
    Object.entries(flaws).flatMap(([kind, lines]) => (lines.length === 0 ? [] : [[kind, lines.length]])),
  )
}

describe('one flaw in a log of a hundred timers', () => {
  function hundredAnd(wrong: Evidence): Evidence {
    const all = [wrong, ...Array.from({ length: 100 }, (_, index) => story(index + 1_000, {}))]
    return {
      ...wrong,
      creations: all.flatMap(({ creations }) => creations),
      sightings: all.flatMap(({ sightings }) => sightings),
      views: new Map(all.flatMap(({ views }) => [...views])),
    }
  }

  test.each<[string, Story, Partial<Record<keyof Flaws, number>>]>([
    ['none', {}, {}],
    [
      'a loss that the API calls pending',
      { seen: [], view: { ...unsent('pending', ''), attempt_log: [], attempts: 0 } },
      { lost: 1, unfinished: 1 },
    ],
    ['a loss that the API knows nothing of', { seen: [], view: 'missing' }, { lost: 1 }],
    ['a double', { seen: [{}, { receivedAt: DUE + 90 }] }, { doubled: 1 }],
    [
      'an early one',
      { seen: [{ receivedAt: DUE - 1, answeredAt: DUE - 1 }], view: { fired_at: iso(DUE), lateness_ms: 0 } },
      { early: 1, misreported: 1 },
    ],
    ['a status that lies: fired', { seen: [] }, { lost: 1, misreported: 1 }],
    ['a status that lies: failed', { view: { status: 'failed' } }, { misreported: 1 }],
  ])('%s', (_name, wrong, expected) => {
    expect(found(hundredAnd(story(1, wrong)))).toEqual(expected)
  })

  test('an id that was promised twice is a loss', () => {
    const twice = story(1, {})
    const [creation] = twice.creations as [Creation]
    const other = { ...creation, key: 'c2-0' }
    expect(found({ ...twice, creations: [creation, other] })).toMatchObject({ lost: 2 })
  })
})

describe('at most once', () => {
  const unknown = unsent('unknown', 'ambiguous')
  const interrupted = unsent('unknown', 'interrupted')
  const halfSeen = [{ answer: 'reset' as const, answeredAt: undefined }]
  const stop = fault('worker-stop', DUE + 100, DUE + 9_000)

  test.each<[string, Story, Partial<Record<keyof Flaws, number>>]>([
    [
      'a receiver that resets explains unknown',
      { creation: { behaviour: 'reset' }, seen: halfSeen, view: unknown },
      {},
    ],
    ['nothing explains unknown', { seen: halfSeen, view: unknown }, { unexplained: 1 }],
    ['a worker that was stopped explains unknown', { seen: [{}], view: unknown, faults: [stop] }, {}],
    [
      'a worker that was killed after its claim explains unknown, seen or not',
      { seen: [], view: interrupted, faults: [fault('worker-kill', DUE + 50, DUE + 2_000)] },
      {},
    ],
    [
      'a kill before the claim does not',
      { seen: [], view: interrupted, faults: [fault('worker-kill', DUE - 9_000, DUE - 8_000)] },
      { unexplained: 1 },
    ],
    [
      'a kill long after the claim does not',
      { seen: [], view: interrupted, faults: [fault('worker-kill', DUE + 60_000, DUE + 61_000)] },
      { unexplained: 1 },
    ],
    [
      'a kill long after it does where Redis was away in between',
      {
        seen: [],
        view: interrupted,
        faults: [
          fault('worker-kill', DUE + 30_000, DUE + 31_000),
          fault('redis-kill', DUE + 1_000, DUE + 29_000, { slots: [] }),
        ],
      },
      {},
    ],
    [
      'Redis alone explains no unknown',
      { seen: [], view: interrupted, faults: [fault('net-drop', DUE, DUE + 9_000)] },
      { unexplained: 1 },
    ],
    [
      'a stop in order explains no unknown',
      { seen: [], view: interrupted, faults: [fault('worker-term', DUE + 50, DUE + 2_000, { exitCode: 0 })] },
      { unexplained: 1 },
    ],
    [
      'a stop that was cut short does',
      {
        seen: [],
        view: interrupted,
        faults: [fault('worker-term', DUE + 50, DUE + 12_000, { exitCode: 1 })],
      },
      {},
    ],
    [
      'a closed door explains failed',
      {
        creation: { behaviour: 'refuse' },
        seen: [],
        view: unsent('failed', 'never_sent'),
        closings: [{ door: 0, from: DUE - 100, to: DUE + 500 }],
      },
      {},
    ],
    [
      'another door does not',
      {
        creation: { behaviour: 'refuse' },
        seen: [],
        view: unsent('failed', 'never_sent'),
        closings: [{ door: 1, from: DUE - 100, to: DUE + 500 }],
      },
      { unexplained: 1 },
    ],
    [
      'an answer 500 is failed',
      {
        creation: { behaviour: 'error' },
        seen: [{ answer: 500 }],
        view: { status: 'failed', response_status: 500, attempt_log: [attempt('rejected', DUE + 2, 500)] },
      },
      {},
    ],
    [
      'an answer that was never given',
      {
        creation: { behaviour: 'error' },
        seen: [{}],
        view: { status: 'failed', response_status: 500, attempt_log: [attempt('rejected', DUE + 2, 500)] },
      },
      { misreported: 1 },
    ],
    [
      'a planned attempt beyond the end',
      {
        creation: { behaviour: 'refuse' },
        seen: [],
        view: { ...unsent('pending', 'never_sent'), next_attempt_at: iso(REST + 1) },
        closings: [{ door: 0, from: DUE, to: DUE + 500 }],
      },
      {},
    ],
    [
      'still firing',
      { creation: { behaviour: 'hang' }, seen: halfSeen, view: unsent('firing', 'ambiguous') },
      { unfinished: 1 },
    ],
  ])('%s', (_name, told, expected) => {
    expect(found(story(1, told))).toEqual(expected)
  })
})

describe('at least once', () => {
  const creation = { mode: 'at_least_once', behaviour: 'error' } as const
  const twice = [{ answer: 500 }, { receivedAt: DUE + 5_000, answeredAt: DUE + 5_001 }]
  const log = [attempt('rejected', DUE + 2, 500), { ...attempt('delivered', DUE + 4_999, 200), attempt: 2 }]

  test('two attempts may be seen twice', () => {
    expect(found(story(1, { creation, seen: twice, view: { attempts: 2, attempt_log: log } }))).toEqual({})
  })

  test('two attempts may not be seen three times', () => {
    const seen = [...twice, { receivedAt: DUE + 6_000 }]
    expect(found(story(1, { creation, seen, view: { attempts: 2, attempt_log: log } }))).toEqual({
      doubled: 1,
    })
  })

  test('never seen is lost', () => {
    expect(found(story(1, { creation, seen: [] }))).toEqual({ lost: 1, misreported: 1 })
  })
})

describe('a creation that was not acknowledged', () => {
  const unacknowledged = (failure: string): Partial<Creation> => ({
    failure,
    ...({ acknowledged: undefined } as object),
  })

  test('may not exist', () => {
    expect(found(story(1, { creation: unacknowledged('cut'), seen: [], view: 'missing' }))).toEqual({})
  })

  test('may exist and is judged like any other', () => {
    expect(found(story(1, { creation: unacknowledged('cut') }))).toEqual({})
    expect(found(story(1, { creation: unacknowledged('cut'), seen: [{}, {}] }))).toEqual({ doubled: 1 })
  })

  test('may not exist where the API said that it does not', () => {
    expect(found(story(1, { creation: unacknowledged('STORE_REFUSED') }))).toEqual({ misreported: 1 })
  })

  test('is a flaw when nothing is broken any more', () => {
    const evidence = story(1, { creation: unacknowledged('STORE_UNAVAILABLE'), seen: [], view: 'missing' })
    expect(found({ ...evidence, healedAt: START - 60_000 })).toEqual({ unavailable: 1 })
  })
})

test('a request that nobody asked for is found', () => {
  const evidence = story(1, {})
  const [sighting] = evidence.sightings as [Sighting]
  expect(found({ ...evidence, sightings: [sighting, { ...sighting, key: 'c9-0' }] })).toEqual({
    misreported: 1,
  })
})
