import { Temporal } from 'temporal-polyfill'
import type { WallTime } from './instant.ts'

/** What IANA names are made of: not the offsets, such as +01:00, that Temporal takes as zones too. */
const ZONE_NAME = /^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/

/** Whether there is a time zone with this IANA name, in any case, in the data of this Node.js. */
export function isTimeZone(name: string): boolean {
  if (typeof name !== 'string' || !ZONE_NAME.test(name)) return false
  try {
    Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(name)
    return true
  } catch {
    return false
  }
}

/**
 * The instant (epoch milliseconds) at which the clocks of a zone show a time.
 *
 * A time that they skip (the clock goes forward) is the first moment after the gap, and one that they show twice (it
 * goes back) is the earlier of the two. Temporal's own `compatible` would go on past the end of a gap: 02:30 would
 * become 03:30, where the first moment is 03:00.
 */
export function instantInZone(time: WallTime, timeZone: string): number {
  const { year, month, day, hour, minute, second, ms } = time
  const local = new Temporal.PlainDateTime(year, month, day, hour, minute, second, ms)
  const zoned = local.toZonedDateTime(timeZone, { disambiguation: 'earlier' })
  // In a gap, `earlier` reads the time with the offset from after it, which gives a moment before it.
  const skipped = !zoned.toPlainDateTime().equals(local)
  const moment = skipped ? (zoned.getTimeZoneTransition('next') ?? zoned) : zoned
  return moment.epochMilliseconds
}
