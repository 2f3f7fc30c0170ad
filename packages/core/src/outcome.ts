/**
 * What one attempt came to.
 *
 * - `delivered`    the receiver answered 2xx
 * - `rejected`     the receiver answered something else: it did get the request
 * - `never_sent`   provably no byte of the request left (refused, DNS, connect or TLS failure)
 * - `ambiguous`    bytes may have left and no answer came (timeout, reset, garbage)
 * - `blocked`      the address is not one that may be called
 * - `interrupted`  the worker that had claimed the attempt was lost before it wrote an outcome
 */
export type Outcome = 'delivered' | 'rejected' | 'never_sent' | 'ambiguous' | 'blocked' | 'interrupted'

/** The result of sending one attempt, as a value: delivery problems are not exceptions. */
export interface AttemptResult {
  readonly outcome: Outcome
  /** When the request left (or, where it never did, when the attempt began), in epoch milliseconds. */
  readonly sentAt: number
  /** Status code, where the receiver answered. */
  readonly responseStatus?: number
  /** A coarse reason for operators and clients, such as `connection refused`. Never the receiver's text. */
  readonly reason?: string
  /** What the receiver asked for with Retry-After, in milliseconds from now. */
  readonly retryAfterMs?: number
  /** Milliseconds from the time the attempt was due until it was begun. */
  readonly queueMs?: number
  /** Milliseconds until a connection was there. */
  readonly connectMs?: number
  /** Milliseconds from the request until the end of the answer. */
  readonly responseMs?: number
}

/** Whether a request left the service in this attempt, as far as is known. */
export function requestLeft(outcome: Outcome): boolean {
  return outcome === 'delivered' || outcome === 'rejected' || outcome === 'ambiguous'
}
