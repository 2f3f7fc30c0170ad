import { createHash } from 'node:crypto'
import { canonicalJson } from './canonical-json.ts'
import { DEFAULT_MAX_ATTEMPTS, DEFAULT_MODE } from './delivery-options.ts'
import type { Due, TimerDraft } from './timer.ts'

/** 128 bits and a little: no two requests of one client meet. */
const LENGTH = 22

/**
 * What a timer is, in 22 characters: equal for requests that ask for the same, however they are written, and another
 * for any difference in what is sent, where to, how or when.
 *
 * A time that is so long from now is compared by its length, any other by its instant: `asked` is the time as it was
 * asked for. The payload is compared as a JSON value, header names in any case, labels and ends in any order. What says
 * only where the request came from (its id, its trace) is no part of it.
 */
export function fingerprintOf(draft: TimerDraft, asked: Due = draft): string {
  const { url, mode, maxAttempts, payload, headers, key, labels, expiresIn, callback } = draft
  const parts = [
    'delayMs' in asked ? ['in', asked.delayMs] : ['at', asked.dueAt],
    url,
    mode ?? DEFAULT_MODE,
    maxAttempts ?? DEFAULT_MAX_ATTEMPTS,
    payload === undefined ? null : canonicalJson(payload),
    Object.entries(headers ?? {})
      .map(([name, value]) => [name.toLowerCase(), value] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
    key ?? null,
    [...(labels ?? [])].sort(),
    expiresIn ?? null,
    callback === undefined ? null : [callback.url, [...callback.on].sort()],
  ]
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, LENGTH)
}
