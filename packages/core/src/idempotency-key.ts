import { TimerError } from './errors.ts'

const VISIBLE = /^[\x21-\x7e]{1,255}$/
/** A string of structured fields (RFC 9651): quotes and backslashes inside are escaped. */
const QUOTED = /^"((?:[^"\\]|\\["\\])*)"$/
/** Twice the longest key, every character of it escaped, and its quotes. */
const MAX_LENGTH = 2 * 255 + 2

/**
 * A key that tells a request that is sent again: as the draft of the header has it, in quotes, or bare as most send it.
 * `"abc"` and `abc` are the same key. What starts with a quote is in quotes.
 *
 * @param field how the answer calls what is at fault
 * @throws TimerError `INVALID_IDEMPOTENCY_KEY`
 */
export function parseIdempotencyKey(text: string, field = 'Idempotency-Key'): string {
  if (typeof text === 'string' && text.length <= MAX_LENGTH) {
    const key = text.startsWith('"') ? QUOTED.exec(text)?.[1]?.replaceAll(/\\(["\\])/g, '$1') : text
    if (key !== undefined && VISIBLE.test(key)) return key
  }
  throw new TimerError(
    'INVALID_IDEMPOTENCY_KEY',
    `${field} must be 1 to 255 visible ASCII characters without spaces, bare or in double quotes, and given once`,
    { field },
  )
}
