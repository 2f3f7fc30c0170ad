import fc from 'fast-check'
import type { DeliveryMode } from './delivery-options.ts'
import type { AttemptResult, Outcome } from './outcome.ts'
import { type DecisionInput, decide, nextDelayMs } from './retry-policy.ts'

const NOW = 1_700_000_000_000
const DAY = 86_400_000
const MODES = ['at_most_once', 'at_least_once'] as const
/** Draws that stretch nothing. */
const NO_JITTER = 0.5

type Changes = Partial<Omit<DecisionInput, 'result'>> & Partial<AttemptResult>

function decideOn(mode: DeliveryMode, outcome: Outcome, changes: Changes = {}) {
  const { responseStatus, retryAfterMs, ...input } = changes
  return decide({
    mode,
    maxAttempts: 10,
    giveUpAfterMs: DAY,
    budgetFrom: NOW,
    attempt: 1,
    now: NOW,
    random: NO_JITTER,
    result: {
      outcome,
      sentAt: NOW,
      ...(responseStatus !== undefined && { responseStatus }),
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    },
    ...input,
  })
}

const inMs = (ms: number) => ({ kind: 'retry', at: NOW + ms })
const ends = (status: string) => ({ kind: 'final', status })

describe('decide: the table at the head of retry-policy.ts', () => {
  test.each<[Outcome, Changes, ReturnType<typeof ends>, ReturnType<typeof ends | typeof inMs>]>([
    ['delivered', { responseStatus: 200 }, ends('fired'), ends('fired')],
    ['rejected', { responseStatus: 500 }, ends('failed'), inMs(5_000)],
    ['rejected', { responseStatus: 503 }, ends('failed'), inMs(5_000)],
    ['rejected', { responseStatus: 599 }, ends('failed'), inMs(5_000)],
    ['rejected', { responseStatus: 408 }, ends('failed'), inMs(5_000)],
    ['rejected', { responseStatus: 425 }, ends('failed'), inMs(5_000)],
    ['rejected', { responseStatus: 429 }, ends('failed'), inMs(60_000)],
    ['rejected', { responseStatus: 301 }, ends('failed'), ends('failed')],
    ['rejected', { responseStatus: 400 }, ends('failed'), ends('failed')],
    ['rejected', { responseStatus: 404 }, ends('failed'), ends('failed')],
    ['rejected', { responseStatus: 410 }, ends('failed'), ends('failed')],
    ['rejected', { responseStatus: 499 }, ends('failed'), ends('failed')],
    ['rejected', {}, ends('failed'), ends('failed')],
    ['never_sent', {}, inMs(1_000) as never, inMs(1_000)],
    ['ambiguous', {}, ends('unknown'), inMs(60_000)],
    ['blocked', {}, ends('failed'), ends('failed')],
    ['interrupted', {}, ends('unknown'), inMs(5_000)],
  ])('%s %j', (outcome, changes, atMostOnce, atLeastOnce) => {
    expect(decideOn('at_most_once', outcome, changes)).toEqual(atMostOnce)
    expect(decideOn('at_least_once', outcome, changes)).toEqual(atLeastOnce)
  })

  test.each<[Outcome, Changes, string]>([
    ['never_sent', {}, 'failed'],
    ['rejected', { responseStatus: 500 }, 'failed'],
    ['ambiguous', {}, 'unknown'],
    ['interrupted', {}, 'unknown'],
  ])('%s ends when the attempts are used up', (outcome, changes, status) => {
    expect(decideOn('at_least_once', outcome, { ...changes, attempt: 2, maxAttempts: 3 }).kind).toBe('retry')
    for (const attempt of [3, 4]) {
      const spent = decideOn('at_least_once', outcome, { ...changes, attempt, maxAttempts: 3 })
      expect(spent).toEqual(ends(status))
    }
  })

  test.each(MODES)('never_sent is given up where the next attempt would come too late (%s)', (mode) => {
    const lastMoment = { budgetFrom: NOW - DAY + 1_000, giveUpAfterMs: DAY }
    expect(decideOn(mode, 'never_sent', lastMoment)).toEqual(inMs(1_000))
    expect(decideOn(mode, 'never_sent', { ...lastMoment, budgetFrom: NOW - DAY + 999 })).toEqual(
      ends('failed'),
    )
  })

  test('giving up is for what never left: an answer is waited for as long as there are attempts', () => {
    const late = { budgetFrom: NOW - 10 * DAY, responseStatus: 500 }
    expect(decideOn('at_least_once', 'rejected', late).kind).toBe('retry')
  })

  test('a retry comes no later than the moment at which it is too late for it', () => {
    const due = (expiresAt: number | undefined) => decideOn('at_least_once', 'ambiguous', { expiresAt })
    expect(due(undefined)).toEqual(inMs(60_000))
    expect(due(NOW + 60_000)).toEqual(inMs(60_000))
    expect(due(NOW + 59_000)).toEqual(inMs(59_001))
    expect(due(NOW - 1_000)).toEqual(inMs(0))
    expect(decideOn('at_most_once', 'ambiguous', { expiresAt: NOW + 1 })).toEqual(ends('unknown'))
  })

  test('what is given up is failed, also where it would expire sooner', () => {
    const over = { budgetFrom: NOW - DAY, expiresAt: NOW + 1 }
    expect(decideOn('at_most_once', 'never_sent', over)).toEqual(ends('failed'))
  })

  test.each(MODES)('makes at most maxAttempts attempts, whatever happens (%s)', (mode) => {
    const outcomes = fc.constantFrom<Outcome>('rejected', 'never_sent', 'ambiguous', 'interrupted')
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 30 }),
        fc.infiniteStream(outcomes),
        fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
        (maxAttempts, what, random) => {
          let now = NOW
          let attempt = 1
          for (; attempt <= 100; attempt += 1) {
            const outcome = what.next().value as Outcome
            const responseStatus = outcome === 'rejected' ? { responseStatus: 500 } : {}
            const changes = { ...responseStatus, maxAttempts, attempt, now, random, giveUpAfterMs: 1e15 }
            const decision = decideOn(mode, outcome, changes)
            if (decision.kind === 'final') break
            expect(decision.at).toBeGreaterThan(now)
            expect(Number.isInteger(decision.at)).toBe(true)
            now = decision.at
          }
          expect(attempt).toBeLessThanOrEqual(maxAttempts)
        },
      ),
    )
  })

  test('at_most_once never sends again what may have left', () => {
    const left = fc.constantFrom<Outcome>('delivered', 'rejected', 'ambiguous', 'interrupted', 'blocked')
    const status = fc.option(fc.integer({ min: 100, max: 599 }), { nil: undefined })
    fc.assert(
      fc.property(left, status, fc.integer({ min: 1, max: 30 }), (outcome, responseStatus, attempt) => {
        const changes = { attempt, maxAttempts: 30, ...(responseStatus !== undefined && { responseStatus }) }
        expect(decideOn('at_most_once', outcome, changes).kind).toBe('final')
      }),
    )
  })
})

describe('nextDelayMs', () => {
  const SECOND = 1_000
  const MINUTE = 60 * SECOND
  const HOUR = 60 * MINUTE
  const plain = { neverSent: false, patient: false }
  const neverSent = { neverSent: true, patient: false }

  test('follows Standard Webhooks after an attempt that left, and 24 h from the end of the schedule on', () => {
    const delays = Array.from({ length: 11 }, (_, index) => nextDelayMs(index + 1, plain, NO_JITTER))
    expect(delays).toEqual([
      5 * SECOND,
      5 * MINUTE,
      30 * MINUTE,
      ...[2, 5, 10, 14, 20, 24, 24, 24].map((hours) => hours * HOUR),
    ])
  })

  test('begins with 1, 5 and 15 s after one that never left', () => {
    const delays = Array.from({ length: 5 }, (_, index) => nextDelayMs(index + 1, neverSent, NO_JITTER))
    expect(delays).toEqual([SECOND, 5 * SECOND, 15 * SECOND, 5 * MINUTE, 30 * MINUTE])
  })

  const attempts = fc.integer({ min: 1, max: 30 })
  const draws = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })
  const hints = fc.record({ neverSent: fc.boolean(), patient: fc.boolean() })

  test('jitter stays within 20 % either way', () => {
    fc.assert(
      fc.property(attempts, fc.boolean(), draws, (attempt, never, random) => {
        const hint = { neverSent: never, patient: false }
        const base = nextDelayMs(attempt, hint, NO_JITTER)
        const delay = nextDelayMs(attempt, hint, random)
        expect(delay).toBeGreaterThanOrEqual(Math.floor(0.8 * base))
        expect(delay).toBeLessThanOrEqual(Math.ceil(1.2 * base))
      }),
    )
    expect(nextDelayMs(1, plain, 0)).toBe(4_000)
    expect(nextDelayMs(1, plain, 0.999_999)).toBe(6_000)
  })

  test('Retry-After stretches the plan to at most twice its length, and never shortens it', () => {
    fc.assert(
      fc.property(
        attempts,
        hints,
        draws,
        fc.integer({ min: -1_000, max: 1e12 }),
        (attempt, hint, random, asked) => {
          const planned = nextDelayMs(attempt, hint, random)
          const delay = nextDelayMs(attempt, { ...hint, retryAfterMs: asked }, random)
          expect(delay).toBe(Math.min(Math.max(planned, asked), 2 * planned))
        },
      ),
    )
    expect(nextDelayMs(1, { ...plain, retryAfterMs: 7_000 }, NO_JITTER)).toBe(7_000)
    expect(nextDelayMs(1, { ...plain, retryAfterMs: 1_000 }, NO_JITTER)).toBe(5_000)
    expect(nextDelayMs(1, { ...plain, retryAfterMs: 3_600_000 }, NO_JITTER)).toBe(10_000)
  })

  test('a receiver that asked for patience gets at least a minute', () => {
    fc.assert(
      fc.property(attempts, fc.boolean(), draws, (attempt, never, random) => {
        const delay = nextDelayMs(attempt, { neverSent: never, patient: true }, random)
        expect(delay).toBeGreaterThanOrEqual(60_000)
      }),
    )
    const patient = { ...plain, patient: true }
    expect(nextDelayMs(1, { ...patient, retryAfterMs: 3_600_000 }, NO_JITTER)).toBe(120_000)
    expect(nextDelayMs(2, patient, NO_JITTER)).toBe(300_000)
  })
})
