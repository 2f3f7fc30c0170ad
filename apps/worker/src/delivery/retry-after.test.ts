import fc from 'fast-check'
import { retryAfterMs } from './retry-after.ts'

const NOW = Date.UTC(2026, 0, 5, 12, 0, 0)

describe('Retry-After', () => {
  test.each([
    ['0', 0],
    ['120', 120_000],
    [' 7 ', 7_000],
    ['Mon, 05 Jan 2026 12:00:30 GMT', 30_000],
    ['Monday, 05-Jan-26 12:01:00 GMT', 60_000],
    ['Mon Jan  5 12:00:10 2026', 10_000],
    ['Mon, 05 Jan 2026 11:00:00 GMT', 0],
  ])('%j asks for %d ms', (header, ms) => {
    expect(retryAfterMs(header, NOW)).toBe(ms)
  })

  test.each([
    undefined,
    '',
    'soon',
    '-1',
    '1.5',
    '1e3',
    '0x10',
    '12345678901',
    '2026-01-05T12:00:30Z',
    'Mon, 05 Jan 2026 12:00:30 +0100',
    'Mon, 99 Jan 2026 12:00:30 GMT',
  ])('%j asks for nothing', (header) => {
    expect(retryAfterMs(header, NOW)).toBeUndefined()
  })

  test('a date written as HTTP writes it is understood to the second', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 86_400 * 365 }), (seconds) => {
        expect(retryAfterMs(new Date(NOW + seconds * 1_000).toUTCString(), NOW)).toBe(seconds * 1_000)
      }),
    )
  })

  test('whatever it says, the answer is a time or nothing', () => {
    fc.assert(
      fc.property(fc.string(), (header) => {
        const ms = retryAfterMs(header, NOW)
        expect(ms === undefined || (Number.isSafeInteger(ms) && ms >= 0)).toBe(true)
      }),
    )
  })
})
