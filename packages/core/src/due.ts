import type { Clock } from './clock.ts'
import { type DurationParts, durationMs } from './duration.ts'
import { durationTextMs } from './duration-text.ts'
import { TimerError } from './errors.ts'
import { readInstant, readWallTime } from './instant.ts'
import { instantInZone, isTimeZone } from './local-time.ts'
import type { Due } from './timer.ts'

/** The forms in which a client says when a timer is due. Exactly one of them is given. */
export interface DueParts extends DurationParts {
  /** `1h30m`, `PT1H30M`. */
  readonly in?: string | undefined
  /** RFC 3339 with an offset. */
  readonly at?: string | undefined
  /** What the clocks show in `timezone`. */
  readonly atLocal?: string | undefined
  /** An IANA name. */
  readonly timezone?: string | undefined
}

export interface ReadDue {
  readonly due: Due
  /** The time as it was asked for, whatever is the case now: the same for the same request sent again. */
  readonly asked: Due
  /** Why a new timer cannot have this time: it is past. */
  readonly tooLate: TimerError | undefined
}

/** An instant that is past by no more than this is due at once: clocks differ, and requests take their time. */
const PAST_GRACE_MS = 60_000

/**
 * When a timer is due, from what a client wrote. No form lies further ahead than
 * `maxSeconds`.
 *
 * @throws TimerError `INVALID_DURATION`, `INVALID_TIME`
 */
export function parseDue(parts: DueParts, clock: Clock, maxSeconds: number): Due {
  const { due, tooLate } = readDue(parts, clock, maxSeconds)
  if (tooLate !== undefined) throw tooLate
  return due
}

/**
 * The same, but for an instant that is past: that is handed on, for a request that is sent again may well be of
 * yesterday.
 */
export function readDue(parts: DueParts, clock: Clock, maxSeconds: number): ReadDue {
  const { in: text, at, atLocal, timezone } = parts
  if (text === undefined && at === undefined && atLocal === undefined && timezone === undefined) {
    if (!hasDuration(parts)) refuse('seconds', `give at least one of ${FORMS}`)
    return relative(durationMs(parts, maxSeconds))
  }
  checkOneForm(parts)
  if (text !== undefined) return relative(durationTextMs(text, maxSeconds))
  if (at !== undefined) return absolute('at', instantOf(at), clock.now(), maxSeconds)
  return absolute('at_local', localInstantOf(atLocal, timezone), clock.now(), maxSeconds)
}

/** Whether any form of a time was given. */
export function hasDue(parts: DueParts): boolean {
  const { in: text, at, atLocal, timezone } = parts
  return (
    hasDuration(parts) ||
    text !== undefined ||
    at !== undefined ||
    atLocal !== undefined ||
    timezone !== undefined
  )
}

const FORMS = 'hours, minutes and seconds, or in, or at, or at_local with timezone'

function hasDuration({ hours, minutes, seconds }: DurationParts): boolean {
  return hours !== undefined || minutes !== undefined || seconds !== undefined
}

function checkOneForm(parts: DueParts): void {
  const given = [
    ['hours', parts.hours, 'parts'] as const,
    ['minutes', parts.minutes, 'parts'] as const,
    ['seconds', parts.seconds, 'parts'] as const,
    ['in', parts.in, 'in'] as const,
    ['at', parts.at, 'at'] as const,
    ['at_local', parts.atLocal, 'local'] as const,
    ['timezone', parts.timezone, 'local'] as const,
  ].filter(([, value]) => value !== undefined)
  if (new Set(given.map(([, , form]) => form)).size === 1) return
  const names = given.map(([name]) => name)
  refuse(names[0] ?? 'seconds', `give the time in one form, not in ${names.join(' and ')}: ${FORMS}`)
}

function relative(delayMs: number): ReadDue {
  const due = { delayMs }
  return { due, asked: due, tooLate: undefined }
}

function absolute(field: string, dueAt: number, now: number, maxSeconds: number): ReadDue {
  const asked = { dueAt }
  if (dueAt - now > maxSeconds * 1_000)
    refuse(field, `${field} must be at most ${maxSeconds} seconds from now`)
  if (dueAt > now) return { due: asked, asked, tooLate: undefined }
  const tooLate =
    now - dueAt > PAST_GRACE_MS
      ? new TimerError('INVALID_TIME', `${field} must not be past by more than 60 seconds`, { field })
      : undefined
  return { due: { delayMs: 0 }, asked, tooLate }
}

function instantOf(text: string): number {
  const read = readInstant(text)
  return 'fault' in read ? refuse('at', `at ${read.fault}`) : read.value
}

function localInstantOf(text: string | undefined, timezone: string | undefined): number {
  if (text === undefined) {
    refuse('timezone', 'timezone needs at_local beside it, such as "2026-12-24T18:00:00"')
  }
  if (timezone === undefined) {
    refuse('at_local', 'at_local needs timezone beside it, such as "Europe/Berlin"; with an offset, use at')
  }
  const read = readWallTime(text)
  if (read === undefined) {
    refuse('at_local', 'at_local must be a time without an offset, such as "2026-12-24T18:00:00"')
  }
  if ('fault' in read) refuse('at_local', `at_local ${read.fault}`)
  if (read.value.offsetMinutes !== undefined) {
    refuse('at_local', 'at_local must have no offset: timezone tells it; with an offset, use at')
  }
  if (!isTimeZone(timezone)) {
    refuse('timezone', 'timezone must be the name of an IANA time zone, such as "Europe/Berlin"')
  }
  return instantInZone(read.value, timezone)
}

function refuse(field: string, message: string): never {
  throw new TimerError('INVALID_TIME', message, { field })
}
