import { TimerError } from './errors.ts'
import { readInstant } from './instant.ts'
import type { TimerFilter } from './store-port.ts'
import { TIMER_STATUSES, type TimerStatus } from './timer.ts'
import { LABEL } from './timer-extras.ts'

/** The names of the filters, as they stand in a query and in the `filter` of a body. */
export const FILTER_FIELDS = ['status', 'due_after', 'due_before', 'label', 'origin'] as const

/** Longest name of a client's own that is said back. */
const MAX_NAME_LENGTH = 64

/**
 * Reads filters as clients write them: texts from a query, or the values of a JSON object. What is absent filters nothing.
 *
 * `due_after` is the first instant that is taken, `due_before` the first one that is not: two that meet neither share a timer
 * nor lose one.
 *
 * @param beside names that may stand beside the filters, and are somebody else's to read
 * @throws TimerError `INVALID_FILTER`
 */
export function parseTimerFilter(
  input: Readonly<Record<string, unknown>>,
  beside: readonly string[] = [],
): TimerFilter {
  const known: readonly string[] = [...FILTER_FIELDS, ...beside]
  const stranger = Object.keys(input).find((name) => !known.includes(name))
  if (stranger !== undefined) {
    const name = shortened(stranger)
    refuse(name, `${name} is not a filter; there are ${known.join(', ')}`)
  }
  const { status, due_after: after, due_before: before, label, origin } = input
  return {
    ...(status !== undefined && { statuses: statusesOf(status) }),
    ...(after !== undefined && { dueFrom: filterInstant('due_after', after) }),
    ...(before !== undefined && { dueBefore: filterInstant('due_before', before) }),
    ...(label !== undefined && { label: labelOf(label) }),
    ...(origin !== undefined && { origin: filterOrigin(origin) }),
  }
}

/**
 * An instant that somebody looks for, as epoch milliseconds. A `+` that stood bare in a query, where it means a space, is
 * taken for what it was.
 *
 * @throws TimerError `INVALID_FILTER`
 */
export function filterInstant(field: string, value: unknown): number {
  if (typeof value !== 'string') {
    return refuse(field, `${field} must be one time in RFC 3339, such as "2026-12-24T18:00:00+01:00"`)
  }
  const read = readInstant(value.replace(/ (?=\d\d:\d\d$)/, '+'))
  return 'value' in read ? read.value : refuse(field, `${field} ${read.fault}`)
}

function statusesOf(value: unknown): TimerStatus[] {
  const texts = typeof value === 'string' ? value.split(',') : value
  const isStatus = (text: unknown): text is TimerStatus => TIMER_STATUSES.some((status) => status === text)
  if (!Array.isArray(texts) || texts.length === 0 || !texts.every(isStatus)) {
    const all = TIMER_STATUSES.join(', ')
    refuse('status', `status must be one or several of ${all}, with commas between them`)
  }
  return TIMER_STATUSES.filter((status) => texts.includes(status))
}

function labelOf(value: unknown): string {
  if (typeof value === 'string' && LABEL.test(value)) return value
  return refuse('label', 'label must be one label: 1 to 64 letters, digits and . _ : -')
}

/** In the form in which `originOf` writes it. */
function filterOrigin(value: unknown): string {
  const url = typeof value === 'string' ? parsed(value) : undefined
  const bare = url !== undefined && /^https?:\/\/[^/?#@\s]+\/?$/i.test(String(value))
  return bare
    ? url.origin
    : refuse('origin', 'origin must be scheme, host and port of a URL, such as https://example.com:8443')
}

function parsed(text: string): URL | undefined {
  try {
    return new URL(text)
  } catch {
    return undefined
  }
}

function shortened(name: string): string {
  return name.length > MAX_NAME_LENGTH ? `${name.slice(0, MAX_NAME_LENGTH)}...` : name
}

function refuse(field: string, message: string): never {
  throw new TimerError('INVALID_FILTER', message, { field })
}
