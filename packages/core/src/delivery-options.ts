import { TimerError } from './errors.ts'

/**
 * How a timer's webhook is delivered, beside where to.
 *
 * `at_most_once`: sent again only where the request provably never left. `at_least_once`: sent again, with the same
 * `webhook-id`, until the receiver answers 2xx or the attempts are used up.
 */
export const DELIVERY_MODES = ['at_most_once', 'at_least_once'] as const
export type DeliveryMode = (typeof DELIVERY_MODES)[number]

export const DEFAULT_MODE: DeliveryMode = 'at_most_once'
export const DEFAULT_MAX_ATTEMPTS = 10
export const MOST_ATTEMPTS = 30

/** Bounds on what a timer carries. */
export const MAX_PAYLOAD_BYTES = 8_192
/** Arrays and objects inside one another. Many JSON libraries refuse little more than this. */
export const MAX_PAYLOAD_DEPTH = 32
export const MAX_HEADERS = 10
const MAX_HEADER_VALUE_LENGTH = 1_024

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$/
/** Visible ASCII, with spaces and tabs inside. */
const HEADER_VALUE = /^[\x21-\x7e]([\x20-\x7e\t]*[\x21-\x7e])?$/

/** Names that are ours to set, or that belong to one connection (RFC 9110, 7.6.1). */
const RESERVED = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'traceparent',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'user-agent',
])
const RESERVED_PREFIX = 'webhook-'

/**
 * Checks a payload: JSON text, at most 8 KiB as it is sent. That it is JSON, nested at most `MAX_PAYLOAD_DEPTH` levels,
 * is for who reads it from a request to see to.
 *
 * @throws TimerError `INVALID_PAYLOAD`
 */
export function parsePayload(payload: string | undefined): string | undefined {
  if (payload === undefined) return undefined
  if (Buffer.byteLength(payload) > MAX_PAYLOAD_BYTES) {
    throw new TimerError(
      'INVALID_PAYLOAD',
      `payload must be at most ${MAX_PAYLOAD_BYTES} bytes long as JSON`,
      {
        field: 'payload',
      },
    )
  }
  return payload
}

/**
 * Checks headers that are to be sent along, and writes their names in lower case.
 *
 * @throws TimerError `INVALID_HEADERS`; the message names the header, never its value
 */
export function parseHeaders(
  headers: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string>> | undefined {
  if (headers === undefined) return undefined
  const entries = Object.entries(headers)
  if (entries.length === 0) return undefined
  if (entries.length > MAX_HEADERS) refuse(`headers must be at most ${MAX_HEADERS}`)
  const checked: Record<string, string> = {}
  for (const [given, value] of entries) {
    if (!TOKEN.test(given))
      refuse('headers must have names of letters, digits and hyphens, such as x-order-id')
    const name = given.toLowerCase()
    if (RESERVED.has(name) || name.startsWith(RESERVED_PREFIX)) {
      refuse(`headers must not contain ${name}: it is set by the service or belongs to the connection`)
    }
    // A valid name, but assigning it sets a prototype: it would be lost here, in got, or at a receiver in JavaScript.
    if (name === '__proto__') refuse('headers must not contain __proto__: objects in JavaScript lose it')
    if (Object.hasOwn(checked, name)) refuse(`headers must name ${name} once`)
    if (value.length > MAX_HEADER_VALUE_LENGTH || (value !== '' && !HEADER_VALUE.test(value))) {
      refuse(`headers must give ${name} at most ${MAX_HEADER_VALUE_LENGTH} visible ASCII characters`)
    }
    checked[name] = value
  }
  return checked
}

/** A well-formed `traceparent` (W3C Trace Context, level 1), or undefined: a broken one is ignored. */
export function parseTraceparent(text: string | undefined): string | undefined {
  const match = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/.exec(text ?? '')
  const [whole, version, traceId = '', parentId = ''] = match ?? []
  if (whole === undefined || version === 'ff' || /^0+$/.test(traceId) || /^0+$/.test(parentId))
    return undefined
  return whole
}

function refuse(message: string): never {
  throw new TimerError('INVALID_HEADERS', message, { field: 'headers' })
}
