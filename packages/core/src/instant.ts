/** RFC 3339, with an offset. Lower case letters are allowed by it; a leap second is not taken. */
const RFC_3339 =
  /^(\d{4})-(\d{2})-(\d{2})T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/i

/** An instant in RFC 3339 as epoch milliseconds, cut to whole ones; undefined where it is none. Pure. */
export function parseInstant(text: string): number | undefined {
  const [, year, month, day] = RFC_3339.exec(text) ?? []
  if (year === undefined || !isDate(Number(year), Number(month), Number(day))) return undefined
  return Math.floor(Date.parse(text.toUpperCase()))
}

/** `Date.parse` takes the 30th of February for the 2nd of March. */
function isDate(year: number, month: number, day: number): boolean {
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day
}
