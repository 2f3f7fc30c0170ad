import { MAX_PAYLOAD_DEPTH } from '@timers/core'

/** What the text of a body shows before it is parsed. Of text that is not JSON it says nothing of use. */
export interface BodyScan {
  /** What is nested deeper than anything may be; the scan ended there. */
  readonly tooDeep: 'payload' | 'body' | undefined
  /** A name that stands twice in one object, outside the payload, and the field it stands in, where it stands in one. */
  readonly repeated: { readonly name: string; readonly field: string | undefined } | undefined
  /** The member `payload` as it was written, but for the whitespace between its parts. */
  readonly payload: string | undefined
}

/** The object of the body itself is one level. */
const MAX_DEPTH = MAX_PAYLOAD_DEPTH + 1

export const QUOTE = 0x22
export const COMMA = 0x2c
const COLON = 0x3a
const BACKSLASH = 0x5c
export const OPEN_ARRAY = 0x5b
export const CLOSE_ARRAY = 0x5d
export const OPEN_OBJECT = 0x7b
export const CLOSE_OBJECT = 0x7d

/**
 * Looks once over a body in UTF-8, before `JSON.parse` sees it: how deep it is nested, which names stand twice, and
 * where its payload begins and ends.
 *
 * The payload is handed on as text because values do not survive the trip through JavaScript: 1234567890123456789
 * becomes 1234567890123456800, and 1e309 becomes null. Deep nesting is refused here because it is dear from
 * `JSON.parse` on, and beyond all measure where the value is written as text again.
 *
 * Linear in the length of the body, whatever it holds. It does not judge: text that is not JSON is for `JSON.parse` to
 * refuse, and nothing found in such text may be used.
 */
export function scanBody(body: Buffer): BodyScan {
  /** By depth: the names seen in the object that is open there, or undefined for an array. */
  const names: (Set<string> | undefined)[] = []
  let depth = 0
  let nameExpected = false
  let field: string | undefined
  let repeated: BodyScan['repeated']
  let start = -1
  let end = -1

  for (let at = 0; at < body.length; at += 1) {
    const inPayload = start !== -1 && end === -1
    switch (body[at]) {
      case QUOTE: {
        const close = endOfText(body, at)
        if (nameExpected && !inPayload) {
          const name = nameIn(body.toString('utf8', at, close + 1))
          const seen = names[depth]
          if (seen?.has(name)) repeated ??= { name, field: depth === 1 ? undefined : field }
          seen?.add(name)
          if (depth === 1) field = name
          nameExpected = false
        }
        at = close
        break
      }
      case OPEN_OBJECT:
      case OPEN_ARRAY:
        depth += 1
        if (depth > MAX_DEPTH) {
          return { tooDeep: inPayload ? 'payload' : 'body', repeated, payload: undefined }
        }
        nameExpected = body[at] === OPEN_OBJECT
        names[depth] = nameExpected && !inPayload ? new Set() : undefined
        break
      case CLOSE_OBJECT:
      case CLOSE_ARRAY:
        if (inPayload && depth === 1) end = at
        depth -= 1
        nameExpected = false
        break
      case COMMA:
        if (inPayload && depth === 1) end = at
        nameExpected = names[depth] !== undefined
        break
      case COLON:
        if (depth === 1 && field === 'payload' && start === -1) start = at + 1
        break
    }
  }
  const payload = start === -1 ? undefined : withoutWhitespace(body, start, end === -1 ? body.length : end)
  return { tooDeep: undefined, repeated, payload }
}

/** Index of the quote that ends the text whose first quote is at `at`, or of the end of the body. */
export function endOfText(body: Buffer, at: number): number {
  let end = at + 1
  while (end < body.length && body[end] !== QUOTE) end += body[end] === BACKSLASH ? 2 : 1
  return end
}

/** A name without its quotes and escapes: `"pa\u0079load"` is payload. */
export function nameIn(text: string): string {
  if (!text.includes('\\')) return text.slice(1, -1)
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** JSON from `start` to `end` without the whitespace that means nothing: what stands in texts stays. */
function withoutWhitespace(body: Buffer, start: number, end: number): string {
  const kept = Buffer.allocUnsafe(end - start)
  let length = 0
  let at = start
  while (at < end) {
    const byte = body[at] as number
    if (byte === QUOTE) {
      const next = Math.min(endOfText(body, at) + 1, end)
      for (; at < next; at += 1, length += 1) kept[length] = body[at] as number
      continue
    }
    if (byte > 0x20) {
      kept[length] = byte
      length += 1
    }
    at += 1
  }
  return kept.toString('utf8', 0, length)
}
