import { TimerError } from './errors.ts'

const SECONDS_IN = [604_800, 86_400, 3_600, 60, 1] as const
/** Weeks, days, hours, minutes and seconds, in this order, each of them optional: `1h30m`. */
const SHORT = /^(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$/
/** The same in ISO 8601: `PT1H30M`. */
const ISO = /^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/
/** Years and months in ISO 8601: what stands before the T. */
const CALENDAR = /^P[^T]*[YM]/
const MAX_LENGTH = 64

/**
 * Milliseconds of a duration given as text: `1h30m`, `2d`, `PT1H30M`. Whole numbers, each unit at most once, from the
 * largest to the smallest; a day is 24 hours, also where clocks change. Between 1 second and `maxSeconds`.
 *
 * @throws TimerError `INVALID_DURATION`
 */
export function durationTextMs(text: string, maxSeconds: number): number {
  const parts =
    typeof text === 'string' && text.length <= MAX_LENGTH ? (SHORT.exec(text) ?? ISO.exec(text)) : null
  if (parts === null || text === '' || /[PT]$/.test(text)) {
    if (CALENDAR.test(text))
      refuse('in must not have years or months, which differ in length: write days, or use at')
    refuse(
      'in must be whole weeks, days, hours, minutes and seconds, such as "1h30m", "45s", "2d" or "PT1H30M"',
    )
  }
  let seconds = 0
  for (const [index, unit] of SECONDS_IN.entries()) seconds += Number(parts[index + 1] ?? 0) * unit
  if (seconds < 1) refuse('in must be at least 1 second')
  if (seconds > maxSeconds) refuse(`in must be at most ${maxSeconds} seconds`)
  return seconds * 1_000
}

function refuse(message: string): never {
  throw new TimerError('INVALID_DURATION', message, { field: 'in' })
}
