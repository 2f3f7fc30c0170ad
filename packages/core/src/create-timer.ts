import { type AddressPolicy, literalAddress } from './address-policy.ts'
import {
  DEFAULT_MAX_ATTEMPTS,
  DEFAULT_MODE,
  type DeliveryMode,
  parseHeaders,
  parsePayload,
  parseTraceparent,
} from './delivery-options.ts'
import { type DurationParts, durationMs } from './duration.ts'
import { TimerError } from './errors.ts'
import type { TimerStore } from './ports.ts'
import { parseTargetUrl } from './target-url.ts'
import type { Timer } from './timer.ts'

/** What is asked for, before it was checked. */
export interface CreateTimerRequest extends DurationParts {
  readonly url: string
  readonly mode?: DeliveryMode | undefined
  readonly maxAttempts?: number | undefined
  /** JSON text, sent as it is. */
  readonly payload?: string | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/** Where a request came from, to follow it through the life of its timer. */
export interface RequestOrigin {
  readonly requestId: string
  /** The header as it came, if any; ignored where it is not well-formed, as W3C Trace Context asks. */
  readonly traceparent: string | undefined
}

export interface CreateTimerDeps {
  readonly store: TimerStore
  /** Says which addresses may be called. Names are judged when they are looked up, at the send. */
  readonly addressPolicy: AddressPolicy
  /** Longest duration that is accepted, in seconds. */
  readonly maxTimerSeconds: number
}

/**
 * Creates a timer. When this resolves the timer is on disk and will fire.
 *
 * @throws TimerError `INVALID_DURATION`, `INVALID_URL`, `INVALID_PAYLOAD`, `INVALID_HEADERS`, or what
 * `TimerStore.create` throws
 */
export async function createTimer(
  request: CreateTimerRequest,
  origin: RequestOrigin,
  deps: CreateTimerDeps,
): Promise<Timer> {
  return deps.store.create({
    delayMs: durationMs(request, deps.maxTimerSeconds),
    url: allowedTarget(request.url, deps.addressPolicy),
    mode: request.mode ?? DEFAULT_MODE,
    maxAttempts: request.maxAttempts ?? DEFAULT_MAX_ATTEMPTS,
    payload: parsePayload(request.payload),
    headers: parseHeaders(request.headers),
    traceparent: parseTraceparent(origin.traceparent),
    requestId: origin.requestId,
  })
}

/** A URL that names its address itself is judged at once: the client can still put it right. */
function allowedTarget(text: string, policy: AddressPolicy): string {
  const address = literalAddress(parseTargetUrl(text))
  if (address !== undefined && policy.check(address) !== 'allowed') {
    throw new TimerError('INVALID_URL', 'url must not name an address that is not public', { field: 'url' })
  }
  return text
}
