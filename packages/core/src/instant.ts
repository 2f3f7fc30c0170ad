/** Date and time of day as RFC 3339 has them; the offset, where there is one, in its own group. */
const DATE_TIME =
  /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(?:([Zz])|([+-])(\d\d):(\d\d))?$/

/** A date and a time of day, wherever that may be. */
export interface WallTime {
  readonly year: number
  readonly month: number
  readonly day: number
  readonly hour: number
  readonly minute: number
  readonly second: number
  readonly ms: number
  /** As if it were UTC, epoch milliseconds. */
  readonly utcMs: number
  /** Minutes east of UTC; undefined where none was written. */
  readonly offsetMinutes: number | undefined
  /** Whether the seconds were written. */
  readonly hasSeconds: boolean
}

/** What was found, or what is wrong with it, in words that follow the name of the field. */
export type Read<Value> = { readonly value: Value } | { readonly fault: string }

/** Reads `2026-12-24T18:00:00.5`, with or without an offset. Of a second, what is beyond milliseconds is cut off. */
export function readWallTime(text: string): Read<WallTime> | undefined {
  const match = typeof text === 'string' ? DATE_TIME.exec(text) : null
  if (match === null) return undefined
  const part = (index: number) => Number(match[index] ?? 0)
  const [year, month, day, hour, minute, second] = [1, 2, 3, 4, 5, 6].map(part) as SixNumbers
  const ms = Number((match[7] ?? '').slice(0, 3).padEnd(3, '0'))
  if (second === 60) return { fault: 'must have seconds from 00 to 59: no clock of ours shows a leap second' }
  if (hour > 23 || minute > 59 || second > 59) return { fault: 'must have a time from 00:00:00 to 23:59:59' }
  const utcMs = utcInstant(year, month, day, hour, minute, second, ms)
  if (utcMs === undefined) return { fault: 'must have a date that there is' }
  if (part(10) > 23 || part(11) > 59)
    return { fault: 'must have an offset of hours up to 23 and minutes up to 59' }
  const minutes = part(10) * 60 + part(11)
  const zulu = match[8] === undefined ? undefined : 0
  const offsetMinutes = match[9] === undefined ? zulu : match[9] === '-' ? -minutes : minutes
  const hasSeconds = match[6] !== undefined
  return { value: { year, month, day, hour, minute, second, ms, utcMs, offsetMinutes, hasSeconds } }
}

/**
 * The instant that RFC 3339 text with an offset names, in epoch milliseconds. What is beyond milliseconds is cut off.
 */
export function readInstant(text: string): Read<number> {
  const read = readWallTime(text)
  if (read === undefined) return { fault: EXAMPLE }
  if ('fault' in read) return read
  const { utcMs, offsetMinutes, hasSeconds } = read.value
  if (!hasSeconds) return { fault: EXAMPLE }
  if (offsetMinutes === undefined) {
    return { fault: 'must end with an offset from UTC: Z, or such as +01:00' }
  }
  return { value: utcMs - offsetMinutes * 60_000 }
}

const EXAMPLE = 'must be a time in RFC 3339 with an offset, such as "2026-12-24T18:00:00+01:00"'

type SixNumbers = [number, number, number, number, number, number]

/** Undefined where there is no such day: `Date` would go on into the next month. */
function utcInstant(year: number, month: number, day: number, ...time: number[]): number | undefined {
  const [hour = 0, minute = 0, second = 0, ms = 0] = time
  // Date.UTC takes the years 0 to 99 for those of the last century.
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined
  return date.setUTCHours(hour, minute, second, ms)
}
