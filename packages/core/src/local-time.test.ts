import fc from 'fast-check'
import { parseDue } from './due.ts'
import { TimerError } from './errors.ts'

const YEAR = 365 * 86_400
/** Before all times of these tests. */
const LONG_AGO = Date.UTC(1960, 0, 1)

function instantOf(atLocal: string, timezone: string): number {
  const found = parseDue({ atLocal, timezone }, { now: () => LONG_AGO }, 200 * YEAR)
  if (!('dueAt' in found)) throw new Error('not an instant')
  return found.dueAt
}

describe('at_local and timezone', () => {
  test.each([
    ['an ordinary time', '2026-12-24T18:00:00', 'Europe/Berlin', '2026-12-24T17:00:00.000Z'],
    ['without seconds', '2026-12-24T18:00', 'Europe/Berlin', '2026-12-24T17:00:00.000Z'],
    ['with milliseconds', '2026-12-24T18:00:00.0019', 'Asia/Kolkata', '2026-12-24T12:30:00.001Z'],
    ['a zone in another case', '2026-12-24T18:00:00', 'europe/BERLIN', '2026-12-24T17:00:00.000Z'],
    ['an old name of a zone', '2026-12-24T18:00:00', 'Asia/Calcutta', '2026-12-24T12:30:00.000Z'],
    ['UTC', '2026-12-24T18:00:00', 'UTC', '2026-12-24T18:00:00.000Z'],
    ['the moment before a gap', '2026-03-29T01:59:59.999', 'Europe/Berlin', '2026-03-29T00:59:59.999Z'],
    ['the start of a gap', '2026-03-29T02:00:00', 'Europe/Berlin', '2026-03-29T01:00:00.000Z'],
    ['in a gap', '2026-03-29T02:30:00', 'Europe/Berlin', '2026-03-29T01:00:00.000Z'],
    ['the end of a gap', '2026-03-29T02:59:59.999', 'Europe/Berlin', '2026-03-29T01:00:00.000Z'],
    ['after a gap', '2026-03-29T03:00:00', 'Europe/Berlin', '2026-03-29T01:00:00.000Z'],
    ['in a fold: the earlier', '2026-10-25T02:30:00', 'Europe/Berlin', '2026-10-25T00:30:00.000Z'],
    ['after a fold', '2026-10-25T03:00:00', 'Europe/Berlin', '2026-10-25T02:00:00.000Z'],
    ['in a gap of half an hour', '2026-10-04T02:15:00', 'Australia/Lord_Howe', '2026-10-03T15:30:00.000Z'],
    ['in a fold of half an hour', '2027-04-04T01:45:00', 'Australia/Lord_Howe', '2027-04-03T14:45:00.000Z'],
    [
      'at a midnight that there is not',
      '2018-11-04T00:00:00',
      'America/Sao_Paulo',
      '2018-11-04T03:00:00.000Z',
    ],
    ['on a day that there is not', '2011-12-30T12:00:00', 'Pacific/Apia', '2011-12-30T10:00:00.000Z'],
  ])('%s', (_, atLocal, timezone, expected) => {
    expect(new Date(instantOf(atLocal, timezone)).toISOString()).toBe(expected)
  })

  test.each<[string, string, string, string, RegExp]>([
    ['an offset', '2026-12-24T18:00:00+01:00', 'Europe/Berlin', 'at_local', /no offset/],
    ['a Z', '2026-12-24T18:00:00Z', 'Europe/Berlin', 'at_local', /no offset/],
    ['a date', '2026-12-24', 'Europe/Berlin', 'at_local', /such as/],
    ['a day that there is not', '2026-02-29T18:00:00', 'Europe/Berlin', 'at_local', /a date that there is/],
    ['a leap second', '2026-12-31T23:59:60', 'UTC', 'at_local', /seconds from 00 to 59/],
    ['a zone that there is not', '2026-12-24T18:00:00', 'Europe/Bonn', 'timezone', /IANA/],
    ['an offset for a zone', '2026-12-24T18:00:00', '+01:00', 'timezone', /IANA/],
    ['a time ten thousand years ahead', '9999-12-24T18:00:00', 'UTC', 'at_local', /from now/],
    ['a time of the Romans', '0099-12-24T18:00:00', 'UTC', 'at_local', /past by more than 60 seconds/],
    ['an empty zone', '2026-12-24T18:00:00', '', 'timezone', /IANA/],
    ['a long zone', '2026-12-24T18:00:00', 'A'.repeat(10_000), 'timezone', /IANA/],
    ['a path for a zone', '2026-12-24T18:00:00', '../../etc/passwd', 'timezone', /IANA/],
  ])('are not %s', (_, atLocal, timezone, field, message) => {
    const refused = expect(() => instantOf(atLocal, timezone))
    refused.toThrow(TimerError)
    refused.toThrow(expect.objectContaining({ code: 'INVALID_TIME', field }))
    refused.toThrow(message)
  })
})

/**
 * Zones of all kinds: north and south of the equator, half an hour of summer time, changes at midnight, a day that was
 * left out, rules around Ramadan.
 */
const ZONES = [
  'Europe/Berlin',
  'Europe/London',
  'America/New_York',
  'America/Sao_Paulo',
  'America/St_Johns',
  'Africa/Cairo',
  'Africa/Casablanca',
  'Asia/Tehran',
  'Australia/Lord_Howe',
  'Pacific/Apia',
  'Pacific/Chatham',
] as const
const zone = fc.constantFrom(...ZONES)

const formats = new Map<string, Intl.DateTimeFormat>()

/** What the clocks of a zone show, as if it were UTC: asked of Intl itself, not of the library that is tested. */
function shown(ms: number, timeZone: string): number {
  const format =
    formats.get(timeZone) ??
    new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
  formats.set(timeZone, format)
  const parts = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]))
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts
  return Date.UTC(year, month - 1, day, hour, minute, second, ms % 1_000)
}

const offsetAt = (ms: number, timeZone: string) => shown(ms, timeZone) - ms
const HOUR = 3_600_000

interface Jump {
  readonly zone: string
  /** The first moment with the new offset. */
  readonly at: number
  readonly before: number
  readonly after: number
}

/** Every change of the clocks from 2005 to 2037, found by halving the time in which the offset changed. */
function jumpsOf(timeZone: string): Jump[] {
  const jumps: Jump[] = []
  const last = Date.UTC(2038, 0, 1)
  for (let from = Date.UTC(2005, 0, 1); from < last; from += 7 * 24 * HOUR) {
    let before = from
    let after = from + 7 * 24 * HOUR
    if (offsetAt(before, timeZone) === offsetAt(after, timeZone)) continue
    while (after - before > 1) {
      const middle = Math.floor((before + after) / 2)
      if (offsetAt(middle, timeZone) === offsetAt(before, timeZone)) before = middle
      else after = middle
    }
    jumps.push({
      zone: timeZone,
      at: after,
      before: offsetAt(before, timeZone),
      after: offsetAt(after, timeZone),
    })
  }
  return jumps
}

const written = (localMs: number) => new Date(localMs).toISOString().slice(0, -1)

describe('in ten zones, at every change of their clocks', () => {
  const jumps = ZONES.flatMap(jumpsOf)
  const gaps = jumps.filter(({ before, after }) => after > before)
  const folds = jumps.filter(({ before, after }) => after < before)
  const share = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

  test('there are gaps and folds in each', () => {
    for (const found of [gaps, folds])
      expect(new Set(found.map((jump) => jump.zone)).size).toBeGreaterThanOrEqual(10)
  })

  test('a time in a gap is the first moment after it', () => {
    fc.assert(
      fc.property(fc.constantFrom(...gaps), share, ({ zone: timeZone, at, before, after }, part) => {
        const local = at + before + Math.floor(part * (after - before))
        expect(instantOf(written(local), timeZone)).toBe(at)
      }),
      { numRuns: 1_000 },
    )
  })

  test('a time in a fold is the earlier of two', () => {
    fc.assert(
      fc.property(fc.constantFrom(...folds), share, ({ zone: timeZone, at, before, after }, part) => {
        const local = at + after + Math.floor(part * (before - after))
        const found = instantOf(written(local), timeZone)
        expect(found).toBe(local - before)
        expect(found).toBeLessThan(at)
        expect([shown(found, timeZone), shown(found + before - after, timeZone)]).toEqual([local, local])
      }),
      { numRuns: 1_000 },
    )
  })

  test('any other is the moment at which the clocks show it', () => {
    const instant = fc.integer({ min: Date.UTC(2005, 0, 1), max: Date.UTC(2037, 11, 31) })
    fc.assert(
      fc.property(instant, zone, (ms, timeZone) => {
        const local = shown(ms, timeZone)
        const found = instantOf(written(local), timeZone)
        expect(shown(found, timeZone)).toBe(local)
        expect(found).toBeLessThanOrEqual(ms)
      }),
      { numRuns: 1_000 },
    )
  })
})
