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
 * How far a local time is looked up in its zone. Time zone data is computed year by year and kept, so strangers must not
 * be able to ask for ten thousand years of each zone. Nothing older is a request that is sent again: finished timers are
 * kept for ten years at most.
 */
const OLDEST_MS = 11 * 366 * 86_400_000
/** More than any zone is from UTC. */
const ZONE_MARGIN_MS = 2 * 86_400_000

/**
 * When a timer is due, from what a client wrote: at most `maxSeconds` ahead, in whatever form.
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
    if (!hasDuration(parts)) refuse('seconds', `give at least one of ${TIME_FORMS}`)
    return relative(durationMs(parts, maxSeconds))
  }
  checkOneForm(parts)
  if (text !== undefined) return relative(durationTextMs(text, maxSeconds))
  const now = clock.now()
  if (at !== undefined) return absolute('at', instantOf(at), now, maxSeconds)
  return absolute('at_local', localInstantOf(atLocal, timezone, now, maxSeconds), now, maxSeconds)
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

/** What to write, in words. */
export const TIME_FORMS = 'hours, minutes and seconds, or in, or at, or at_local with timezone'

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
  refuse(names[0] ?? 'seconds', `give the time in one form, not by ${names.join(' and ')}: ${TIME_FORMS}`)
}

function relative(delayMs: number): ReadDue {
  const due = { delayMs }
  return { due, asked: due, tooLate: undefined }
}

function absolute(field: string, dueAt: number, now: number, maxSeconds: number): ReadDue {
  const asked = { dueAt }
  if (dueAt - now > maxSeconds * 1_000) throw tooFar(field, maxSeconds)
  if (dueAt > now) return { due: asked, asked, tooLate: undefined }
  return { due: { delayMs: 0 }, asked, tooLate: now - dueAt > PAST_GRACE_MS ? past(field) : undefined }
}

function tooFar(field: string, maxSeconds: number): TimerError {
  return new TimerError('INVALID_TIME', `${field} must be at most ${maxSeconds} seconds from now`, { field })
}

function past(field: string): TimerError {
  return new TimerError('INVALID_TIME', `${field} must not be past by more than 60 seconds`, { field })
}

function instantOf(text: string): number {
  const read = readInstant(text)
  return 'fault' in read ? refuse('at', `at ${read.fault}`) : read.value
}

function localInstantOf(
  text: string | undefined,
  timezone: string | undefined,
  now: number,
  maxSeconds: number,
): number {
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
  const aheadMs = read.value.utcMs - now
  if (aheadMs > maxSeconds * 1_000 + ZONE_MARGIN_MS) throw tooFar('at_local', maxSeconds)
  if (aheadMs < -OLDEST_MS) throw past('at_local')
  if (!isTimeZone(timezone)) {
    refuse('timezone', 'timezone must be the name of an IANA time zone, such as "Europe/Berlin"')
  }
  return instantInZone(read.value, timezone)
}

function refuse(field: string, message: string): never {
  throw new TimerError('INVALID_TIME', message, { field })
}
