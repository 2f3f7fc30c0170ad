import { TimerError } from './errors.ts'

/** The parts of a duration as a client writes them; any of them may be missing, not all. */
export interface DurationParts {
  readonly hours?: number | undefined
  readonly minutes?: number | undefined
  readonly seconds?: number | undefined
}

const SECONDS_IN = { hours: 3_600, minutes: 60, seconds: 1 } as const
const UNITS = ['hours', 'minutes', 'seconds'] as const

/**
 * Milliseconds of a duration given in parts.
 *
 * Parts are whole numbers >= 0 and need not be normal (`minutes: 90` is an hour and a half). The sum lies
 * between 1 second and `maxSeconds`, both included.
 *
 * @throws TimerError `INVALID_DURATION`, with the field at fault
 */
export function durationMs(parts: DurationParts, maxSeconds: number): number {
  let totalSeconds = 0
  let given = 0
  for (const unit of UNITS) {
    const value = parts[unit]
    if (value === undefined) continue
    given += 1
    if (!Number.isInteger(value) || value < 0) {
      throw new TimerError('INVALID_DURATION', `${unit} must be a whole number of at least 0`, {
        field: unit,
      })
    }
    totalSeconds += value * SECONDS_IN[unit]
  }
  if (given === 0) {
    throw new TimerError('INVALID_DURATION', 'give at least one of hours, minutes and seconds', {
      field: 'seconds',
    })
  }
  if (totalSeconds < 1) {
    throw new TimerError('INVALID_DURATION', 'hours, minutes and seconds must add up to at least 1 second', {
      field: 'seconds',
    })
  }
  if (totalSeconds > maxSeconds) {
    const field = UNITS.find((unit) => (parts[unit] ?? 0) > 0) ?? 'seconds'
    throw new TimerError(
      'INVALID_DURATION',
      `hours, minutes and seconds must add up to at most ${maxSeconds} seconds`,
      { field },
    )
  }
  return totalSeconds * 1_000
}

/** Whole seconds until `dueAt`, rounded up, never below 0. Both in epoch milliseconds. */
export function timeLeftSeconds(dueAt: number, now: number): number {
  return Math.max(0, Math.ceil((dueAt - now) / 1_000))
}
