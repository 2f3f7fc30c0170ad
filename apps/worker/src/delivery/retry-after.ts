const DAYS = '(Mon|Tue|Wed|Thu|Fri|Sat|Sun)'
const MONTH = '(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)'
const TIME = '\\d{2}:\\d{2}:\\d{2}'
/** The three forms of RFC 9110, 5.6.7, all of them in GMT: `Sun, 06 Nov 1994 08:49:37 GMT` and two old ones. */
const IMF_FIXDATE = new RegExp(`^${DAYS}, \\d{2} ${MONTH} \\d{4} ${TIME} GMT$`)
const RFC_850 = new RegExp(`^(Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, \\d{2}-${MONTH}-\\d{2} ${TIME} GMT$`)
const ASCTIME = new RegExp(`^${DAYS} ${MONTH} [ \\d]\\d ${TIME} \\d{4}$`)

/**
 * What a `Retry-After` header asks for, in milliseconds from `now` (epoch milliseconds): seconds, or a date, which
 * gives 0 when it is past. Undefined where there is none that can be understood. Not bounded: the retry policy is.
 */
export function retryAfterMs(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined
  const text = header.trim()
  if (/^\d{1,10}$/.test(text)) return Number(text) * 1_000
  const date = httpDate(text)
  return date === undefined ? undefined : Math.max(0, date - now)
}

function httpDate(text: string): number | undefined {
  const gmt = ASCTIME.test(text) ? `${text} GMT` : text
  if (gmt === text && !IMF_FIXDATE.test(text) && !RFC_850.test(text)) return undefined
  const date = Date.parse(gmt)
  return Number.isNaN(date) ? undefined : date
}
