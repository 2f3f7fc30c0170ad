import type { AddressPolicy } from './address-policy.ts'
import { allowedTarget } from './allowed-target.ts'
import { TimerError, type TimerErrorCode } from './errors.ts'
import { type Callback, FINAL_STATUSES, type FinalStatus } from './timer.ts'

export const MAX_LABELS = 8
const KEY = /^[A-Za-z0-9._:-]{1,128}$/
export const LABEL = /^[A-Za-z0-9._:-]{1,64}$/
const ALPHABET = 'A-Z, a-z, 0-9 and . _ : -'

/** Ten years, in seconds: far beyond any use, and far within exact numbers. */
export const MAX_EXPIRES_IN = 315_360_000

/** What a callback tells of where it does not say: all ends but the good one. */
const DEFAULT_ON: readonly FinalStatus[] = FINAL_STATUSES.filter((status) => status !== 'fired')

/** A callback as a client writes it. */
export interface CallbackRequest {
  readonly url: string
  readonly on?: readonly string[] | undefined
}

/** @throws TimerError `INVALID_KEY` */
export function parseKey(key: string): string {
  if (typeof key === 'string' && KEY.test(key)) return key
  return refuse('INVALID_KEY', 'key', `key must be 1 to 128 characters of ${ALPHABET}`)
}

/**
 * Labels, each once, in the order in which they were given; undefined for none.
 *
 * @throws TimerError `INVALID_LABELS`
 */
export function parseLabels(labels: readonly string[]): readonly string[] | undefined {
  const wanted = `labels must be at most ${MAX_LABELS} texts, each of 1 to 64 characters of ${ALPHABET}`
  if (!Array.isArray(labels)) refuse('INVALID_LABELS', 'labels', wanted)
  const unique = [...new Set(labels)]
  const fit =
    unique.length <= MAX_LABELS && unique.every((label) => typeof label === 'string' && LABEL.test(label))
  if (!fit) refuse('INVALID_LABELS', 'labels', wanted)
  return unique.length === 0 ? undefined : unique
}

/** @throws TimerError `INVALID_EXPIRY` */
export function parseExpiresIn(seconds: number): number {
  if (Number.isInteger(seconds) && seconds >= 1 && seconds <= MAX_EXPIRES_IN) return seconds
  return refuse(
    'INVALID_EXPIRY',
    'expires_in',
    `expires_in must be a whole number of seconds from 1 to ${MAX_EXPIRES_IN}`,
  )
}

/**
 * Checks a callback; its URL is judged as a timer's own is.
 *
 * @throws TimerError `INVALID_CALLBACK`; the message never quotes the URL
 */
export function parseCallback(callback: CallbackRequest, policy: AddressPolicy): Callback {
  const { url, on } = callback
  if (typeof url !== 'string') refuse('INVALID_CALLBACK', 'callback.url', 'callback.url must be text: a URL')
  return { url: callbackTarget(url, policy), on: on === undefined ? DEFAULT_ON : parseEnds(on) }
}

function parseEnds(on: readonly string[]): readonly FinalStatus[] {
  const known = Array.isArray(on) && on.every((end) => (FINAL_STATUSES as readonly string[]).includes(end))
  if (!known || on.length === 0) {
    refuse(
      'INVALID_CALLBACK',
      'callback.on',
      `callback.on must name one or more of ${FINAL_STATUSES.join(', ')}`,
    )
  }
  // In one order, each once: what is equal looks equal.
  return FINAL_STATUSES.filter((status) => on.includes(status))
}

function callbackTarget(url: string, policy: AddressPolicy): string {
  try {
    return allowedTarget(url, policy)
  } catch (error) {
    if (!(error instanceof TimerError)) throw error
    return refuse('INVALID_CALLBACK', 'callback.url', `callback.${error.message}`)
  }
}

function refuse(code: TimerErrorCode, field: string, message: string): never {
  throw new TimerError(code, message, { field })
}
