import fc from 'fast-check'
import { type DueParts, parseDue, readDue } from './due.ts'
import { TimerError, type TimerErrorCode } from './errors.ts'

const YEAR = 365 * 86_400
const NOW = Date.UTC(2026, 2, 1, 12)
const clock = { now: () => NOW }

const due = (parts: DueParts, max = YEAR) => parseDue(parts, clock, max)
/** The instant in ISO 8601 of a time with a date. */
function instant(parts: DueParts, now: number, max = 100 * YEAR): string {
  const found = parseDue(parts, { now: () => now }, max)
  if (!('dueAt' in found)) throw new Error('not an instant')
  return new Date(found.dueAt).toISOString()
}

interface Refusal {
  readonly code: TimerErrorCode
  readonly field: string | undefined
  readonly message: string
}

function refusal(parts: DueParts, max = YEAR): Refusal {
  try {
    parseDue(parts, clock, max)
  } catch (error) {
    if (!(error instanceof TimerError)) throw error
    return { code: error.code, field: error.field, message: error.message }
  }
  throw new Error(`accepted: ${JSON.stringify(parts)}`)
}

describe('a duration', () => {
  test.each<[DueParts, number]>([
    [{ minutes: 90 }, 5_400],
    [{ in: '1h30m' }, 5_400],
    [{ in: '90m' }, 5_400],
    [{ in: '45s' }, 45],
    [{ in: '2d' }, 172_800],
    [{ in: '1w2d3h4m5s' }, 788_645],
    [{ in: '0h1s' }, 1],
    [{ in: 'PT1H30M' }, 5_400],
    [{ in: 'P1DT2H' }, 93_600],
    [{ in: 'P2W' }, 1_209_600],
    [{ in: 'PT8760H' }, YEAR],
  ])('%j', (parts, seconds) => {
    expect(due(parts)).toEqual({ delayMs: seconds * 1_000 })
  })

  test.each<[string, unknown, RegExp]>([
    ['nothing', '', /such as "1h30m"/],
    ['a number', 90, /such as "1h30m"/],
    ['digits without a unit', '90', /such as "1h30m"/],
    ['a fraction', '1.5h', /whole/],
    ['units in disorder', '30m1h', /such as/],
    ['a unit twice', '1h2h', /such as/],
    ['a space', '1h 30m', /such as/],
    ['capitals, of which M is two units', '1H30M', /such as/],
    ['a negative one', '-1h', /such as/],
    ['a P alone', 'P', /such as/],
    ['a T with nothing after it', 'P1DT', /such as/],
    ['a T alone', 'PT', /such as/],
    ['a year', 'P1Y', /years or months/],
    ['a month', 'P1M', /years or months/],
    ['a month beside days', 'P1M2DT3H', /years or months/],
    ['no time at all', '0s', /at least 1 second/],
    ['the same in ISO 8601', 'PT0S', /at least 1 second/],
    ['a second too much', 'PT8760H1S', /at most 31536000 seconds/],
    ['so many digits that it is infinite', `${'9'.repeat(62)}s`, /at most/],
    ['a text beyond all bounds', '1'.repeat(100_000), /such as/],
  ])('is not %s', (_, text, message) => {
    const refused = refusal({ in: text as string })
    expect(refused).toMatchObject({ code: 'INVALID_DURATION', field: 'in' })
    expect(refused.message).toMatch(message)
  })

  test('is the same time in parts, short and in ISO 8601', () => {
    const part = fc.nat({ max: 9_999 })
    fc.assert(
      fc.property(part, part, part, part, (days, hours, minutes, seconds) => {
        fc.pre(days + hours + minutes + seconds > 0)
        const parts = due({ hours: days * 24 + hours, minutes, seconds }, 100 * YEAR)
        expect(due({ in: `${days}d${hours}h${minutes}m${seconds}s` }, 100 * YEAR)).toEqual(parts)
        expect(due({ in: `P${days}DT${hours}H${minutes}M${seconds}S` }, 100 * YEAR)).toEqual(parts)
      }),
    )
  })
})

describe('an instant', () => {
  test.each([
    ['2026-12-24T18:00:00+01:00', '2026-12-24T17:00:00.000Z'],
    ['2026-12-24T18:00:00Z', '2026-12-24T18:00:00.000Z'],
    ['2026-12-24t18:00:00z', '2026-12-24T18:00:00.000Z'],
    ['2026-12-24T18:00:00-00:00', '2026-12-24T18:00:00.000Z'],
    ['2026-12-24T18:00:00.5-11:30', '2026-12-25T05:30:00.500Z'],
    ['2026-12-24T18:00:00.1239999999999999Z', '2026-12-24T18:00:00.123Z'],
    ['2028-02-29T23:59:59.999+00:00', '2028-02-29T23:59:59.999Z'],
    ['2026-12-31T23:30:00-01:00', '2027-01-01T00:30:00.000Z'],
  ])('%s', (at, expected) => {
    expect(instant({ at }, NOW)).toBe(expected)
  })

  test.each<[string, unknown, RegExp]>([
    ['a date', '2026-12-24', /RFC 3339/],
    ['no offset', '2026-12-24T18:00:00', /offset from UTC: Z, or such as \+01:00/],
    ['no seconds', '2026-12-24T18:00Z', /RFC 3339/],
    ['an offset without a colon', '2026-12-24T18:00:00+0100', /RFC 3339/],
    ['a zone in brackets', '2026-12-24T18:00:00+01:00[Europe/Berlin]', /RFC 3339/],
    ['a space for the T', '2026-12-24 18:00:00Z', /RFC 3339/],
    ['a number', 1_798_138_800, /RFC 3339/],
    ['digits of other scripts', '２０２６-12-24T18:00:00Z', /RFC 3339/],
    ['the 30th of February', '2027-02-30T00:00:00Z', /a date that there is/],
    ['a leap day in a common year', '2027-02-29T00:00:00Z', /a date that there is/],
    ['a leap day of 2100', '2100-02-29T00:00:00Z', /a date that there is/],
    ['a month 13', '2026-13-01T00:00:00Z', /a date that there is/],
    ['a day 0', '2026-12-00T00:00:00Z', /a date that there is/],
    ['24 o’clock', '2026-12-24T24:00:00Z', /from 00:00:00 to 23:59:59/],
    ['a leap second', '2026-12-31T23:59:60Z', /seconds from 00 to 59/],
    ['an offset of a day', '2026-12-24T18:00:00+24:00', /offset of hours up to 23/],
    ['years ago', '0099-12-24T18:00:00Z', /not be past by more than 60 seconds/],
    ['too far ahead', '2027-03-01T12:00:00.001Z', /at most 31536000 seconds from now/],
  ])('is not %s', (_, at, message) => {
    const refused = refusal({ at: at as string })
    expect(refused).toMatchObject({ code: 'INVALID_TIME', field: 'at' })
    expect(refused.message).toMatch(message)
  })

  test('keeps its millisecond, whatever its offset', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: NOW + 1, max: NOW + 90 * YEAR * 1_000 }),
        fc.integer({ min: -23 * 60 - 59, max: 23 * 60 + 59 }),
        (ms, offset) => {
          expect(parseDue({ at: rfc3339(ms, offset) }, clock, 100 * YEAR)).toEqual({ dueAt: ms })
        },
      ),
      { numRuns: 1_000 },
    )
  })

  test('is a leap day exactly in leap years', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2_026, max: 9_999 }), (year) => {
        const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
        const at = `${year}-02-29T12:00:00Z`
        if (isLeap) expect(instant({ at }, NOW, 10_000 * YEAR)).toBe(`${year}-02-29T12:00:00.000Z`)
        else expect(refusal({ at }, 10_000 * YEAR).message).toMatch(/a date that there is/)
      }),
    )
  })

  test('is due at once where it is past by up to a minute, and refused beyond', () => {
    fc.assert(
      fc.property(fc.integer({ min: -120_000, max: 120_000 }), (ahead) => {
        const at = rfc3339(NOW + ahead, 60)
        if (ahead > 0) expect(due({ at })).toEqual({ dueAt: NOW + ahead })
        else if (ahead >= -60_000) expect(due({ at })).toEqual({ delayMs: 0 })
        else expect(refusal({ at })).toMatchObject({ code: 'INVALID_TIME', field: 'at' })
      }),
      { examples: [[0], [1], [-1], [-60_000], [-60_001]] },
    )
  })

  test('tells what was asked for also where that is past', () => {
    const read = readDue({ at: rfc3339(NOW - 86_400_000, 0) }, clock, YEAR)
    expect(read).toMatchObject({ asked: { dueAt: NOW - 86_400_000 }, tooLate: { code: 'INVALID_TIME' } })
  })
})

/** An instant with an offset in minutes, as RFC 3339 has it. */
function rfc3339(ms: number, offset: number): string {
  const two = (value: number) => String(Math.abs(value)).padStart(2, '0')
  const local = new Date(ms + offset * 60_000).toISOString().slice(0, -1)
  return `${local}${offset < 0 ? '-' : '+'}${two(Math.trunc(offset / 60))}:${two(offset % 60)}`
}

describe('the forms of a time', () => {
  const local = '2026-12-24T18:00:00'
  test.each<[string, DueParts, string, RegExp]>([
    ['none', {}, 'seconds', /hours, minutes and seconds, or in, or at, or at_local with timezone/],
    ['two', { in: '1h', at: '2026-12-24T18:00:00Z' }, 'in', /one form, not by in and at/],
    ['parts and text', { seconds: 0, in: '1h' }, 'seconds', /not by seconds and in/],
    ['parts and an instant', { hours: 1, at: 'x' }, 'hours', /not by hours and at/],
    ['an instant and a zone', { at: 'x', timezone: 'UTC' }, 'at', /not by at and timezone/],
    [
      'all',
      { minutes: 1, in: '1h', at: 'x', atLocal: 'x', timezone: 'x' },
      'minutes',
      /in and at and at_local/,
    ],
    ['a zone alone', { timezone: 'Europe/Berlin' }, 'timezone', /timezone needs at_local/],
    ['a local time alone', { atLocal: local }, 'at_local', /at_local needs timezone/],
  ])('are not %s', (_, parts, field, message) => {
    const refused = refusal(parts)
    expect(refused).toMatchObject({ code: 'INVALID_TIME', field })
    expect(refused.message).toMatch(message)
  })
})
