import { allowedTarget } from './allowed-target.ts'
import type { TimerRules } from './create-timer.ts'
import { type DeliveryMode, parseHeaders, parsePayload } from './delivery-options.ts'
import { type DueParts, hasDue, parseDue } from './due.ts'
import { TimerError } from './errors.ts'
import type { TimerChange } from './timer.ts'
import { type CallbackRequest, parseCallback, parseExpiresIn, parseLabels } from './timer-extras.ts'

/** What is to be another in a timer, before it was checked. What is absent stays; `null` takes it away. */
export interface ChangeTimerRequest extends DueParts {
  readonly url?: string | undefined
  readonly mode?: DeliveryMode | undefined
  readonly maxAttempts?: number | undefined
  /** JSON text; `null`, as a value or as JSON, takes the payload away. */
  readonly payload?: string | null | undefined
  readonly headers?: Readonly<Record<string, string>> | null | undefined
  readonly labels?: readonly string[] | null | undefined
  readonly expiresIn?: number | null | undefined
  readonly callback?: CallbackRequest | null | undefined
}

/**
 * A change of a timer, every part of it checked; what is not in the request is not in it either.
 *
 * @throws TimerError `EMPTY_CHANGE`, and what `draftOf` throws for the same fields
 */
export function changeOf(request: ChangeTimerRequest, rules: TimerRules): TimerChange {
  const { url, mode, maxAttempts, payload, headers, labels, expiresIn, callback } = request
  const { addressPolicy, clock, maxTimerSeconds } = rules
  const change: TimerChange = {
    ...(hasDue(request) && { due: parseDue(request, clock, maxTimerSeconds) }),
    ...(url !== undefined && { url: allowedTarget(url, addressPolicy) }),
    ...(mode !== undefined && { mode }),
    ...(maxAttempts !== undefined && { maxAttempts }),
    ...(payload !== undefined && { payload: payloadOf(payload) }),
    ...(headers !== undefined && { headers: (headers && parseHeaders(headers)) ?? null }),
    ...(labels !== undefined && { labels: (labels && parseLabels(labels)) ?? null }),
    ...(expiresIn !== undefined && { expiresIn: expiresIn === null ? null : parseExpiresIn(expiresIn) }),
    ...(callback !== undefined && { callback: callback && parseCallback(callback, addressPolicy) }),
  }
  if (Object.keys(change).length === 0) {
    throw new TimerError(
      'EMPTY_CHANGE',
      'give what is to change: a time, url, payload, headers, labels, delivery, max_attempts, expires_in or callback',
    )
  }
  return change
}

/** Of a payload the JSON text is handed on, so `null` comes as text. */
function payloadOf(payload: string | null): string | null {
  return payload === null || payload === 'null' ? null : (parsePayload(payload) ?? null)
}
