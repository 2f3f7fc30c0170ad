import fc from 'fast-check'
import { type DurationParts, durationMs, timeLeftSeconds } from './duration.ts'
import { TimerError } from './errors.ts'

const YEAR = 365 * 86_400

function refusal(parts: DurationParts, maxSeconds = YEAR): { field: string | undefined; message: string } {
  try {
    durationMs(parts, maxSeconds)
  } catch (error) {
    if (!(error instanceof TimerError)) throw error
    expect(error.code).toBe('INVALID_DURATION')
    return { field: error.field, message: error.message }
  }
  throw new Error(`accepted: ${JSON.stringify(parts)}`)
}

describe('durationMs', () => {
  test.each<[DurationParts, number]>([
    [{ seconds: 1 }, 1_000],
    [{ minutes: 90 }, 5_400_000],
    [{ hours: 4, minutes: 0, seconds: 1 }, 14_401_000],
    [{ hours: 0, minutes: 0, seconds: 59 }, 59_000],
    [{ hours: 8_760 }, YEAR * 1_000],
    [{ hours: undefined, seconds: 2 }, 2_000],
    [{ hours: -0, seconds: 1 }, 1_000],
  ])('%j', (parts, ms) => {
    expect(durationMs(parts, YEAR)).toBe(ms)
  })

  test.each<[string, DurationParts, string, RegExp]>([
    ['nothing given', {}, 'seconds', /at least one of/],
    ['only undefined', { hours: undefined }, 'seconds', /at least one of/],
    ['zero', { hours: 0, minutes: 0, seconds: 0 }, 'seconds', /at least 1 second/],
    ['a fraction', { minutes: 1.5 }, 'minutes', /minutes must be a whole number/],
    ['a negative part that others outweigh', { hours: 2, minutes: -1 }, 'minutes', /minutes must be a whole/],
    ['not a number', { hours: Number.NaN }, 'hours', /hours must be a whole number/],
    ['infinity', { hours: Number.POSITIVE_INFINITY }, 'hours', /hours must be a whole number/],
    ['a string', { seconds: '4' as unknown as number }, 'seconds', /seconds must be a whole number/],
    ['null', { seconds: null as unknown as number }, 'seconds', /seconds must be a whole number/],
    ['too much by a second', { hours: 8_760, seconds: 1 }, 'hours', /at most 31536000 seconds/],
    ['so much that the sum is infinite', { hours: 1e308 }, 'hours', /at most/],
    ['too many seconds, with hours at 0', { hours: 0, seconds: YEAR + 1 }, 'seconds', /at most/],
  ])('refuses %s', (_, parts, field, message) => {
    const refused = refusal(parts)
    expect(refused.field).toBe(field)
    expect(refused.message).toMatch(message)
  })

  const part = fc.option(fc.nat({ max: 100_000 }), { nil: undefined })

  test('is the sum of its parts, or refused where that is out of bounds', () => {
    fc.assert(
      fc.property(part, part, part, fc.integer({ min: 1, max: YEAR }), (hours, minutes, seconds, max) => {
        const sum = (hours ?? 0) * 3_600 + (minutes ?? 0) * 60 + (seconds ?? 0)
        const parts = { hours, minutes, seconds }
        if (sum >= 1 && sum <= max) expect(durationMs(parts, max)).toBe(sum * 1_000)
        else expect(refusal(parts, max).field).toBeDefined()
      }),
    )
  })

  test('never accepts what is not a whole number of at least 0', () => {
    const wrong = fc.oneof(
      fc.double({ noInteger: true }),
      fc.integer({ max: -1 }),
      fc.constantFrom('1', '', null, true, {}, [], 1n),
    )
    fc.assert(
      fc.property(wrong, fc.constantFrom('hours', 'minutes', 'seconds'), (value, unit) => {
        expect(refusal({ seconds: 1, [unit]: value }).field).toBe(unit)
      }),
    )
  })
})

describe('timeLeftSeconds', () => {
  test.each([
    [10_000, 0, 10],
    [10_000, 1, 10],
    [10_000, 999, 10],
    [10_000, 1_000, 9],
    [10_000, 9_999, 1],
    [10_000, 10_000, 0],
    [10_000, 10_001, 0],
    [10_000, 99_999_999, 0],
  ])('due at %i, now %i: %i', (dueAt, now, left) => {
    expect(timeLeftSeconds(dueAt, now)).toBe(left)
  })

  test('is 0 exactly when it is due', () => {
    const instant = fc.integer({ min: 0, max: 4e12 })
    fc.assert(
      fc.property(instant, instant, (dueAt, now) => {
        const left = timeLeftSeconds(dueAt, now)
        expect(Object.is(left, Math.abs(left))).toBe(true)
        expect(left === 0).toBe(now >= dueAt)
      }),
    )
  })
})
