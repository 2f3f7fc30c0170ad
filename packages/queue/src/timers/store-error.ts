import { isNativeError } from 'node:util/types'
import { TimerError } from '@timers/core'
import { NotConfirmedError } from '../nodes/acks.ts'
import { lacksRight } from '../nodes/missing-right.ts'

/**
 * What an error of Redis or its client means.
 *
 * - `refused`      Redis is there and says that it does not do this now; it passes by itself
 * - `denied`       Redis does not let this user in, or not do this: somebody has to put it right
 * - `unreachable`  no answer, or not that of enough replicas: the command may or may not have been carried out
 * - `closed`       our own connection was closed for good, at the end of a shutdown
 * - `defect`       anything else: waiting does not help
 */
export type StoreErrorKind = 'refused' | 'denied' | 'unreachable' | 'closed' | 'defect'

const REFUSED =
  /^(OOM|MISCONF|READONLY|LOADING|NOREPLICAS|CLUSTERDOWN|BUSY|MASTERDOWN|TRYAGAIN|NOSCRIPT|UNKILLABLE)\b/
const DENIED = /^(NOAUTH|WRONGPASS)\b|AUTH.*called without any password/
/** What ioredis 6 says where there was no answer; it has no codes for these. */
const UNREACHABLE =
  /Command timed out|Socket timeout|Stream isn't writeable|max retries per request|Connection is (not|already)|ECONN|EPIPE|ETIMEDOUT|EHOST|ENET|ENOTFOUND|EAI_AGAIN/i
const UNREACHABLE_NAMES = new Set(['MaxRetriesPerRequestError', 'AbortError', 'NotConfirmedError'])

export function storeErrorKind(error: unknown): StoreErrorKind {
  if (!isNativeError(error)) return 'defect'
  const { message, name } = error
  const { code = '' } = error as NodeJS.ErrnoException
  if (message === 'Connection is closed.') return 'closed'
  if (REFUSED.test(message)) return 'refused'
  if (DENIED.test(message) || lacksRight(error)) return 'denied'
  if (UNREACHABLE_NAMES.has(name) || UNREACHABLE.test(message) || UNREACHABLE.test(code)) return 'unreachable'
  return 'defect'
}

/** As a client of the API is told. A defect is passed on as it is: it must not look like an outage. */
export function toStoreError(error: unknown): Error {
  if (error instanceof TimerError) return error
  if (error instanceof NotConfirmedError) {
    return new TimerError('STORE_UNAVAILABLE', 'too few replicas of Redis have confirmed it in time', {
      cause: error,
    })
  }
  switch (storeErrorKind(error)) {
    case 'refused':
      return new TimerError('STORE_REFUSED', 'Redis cannot take timers at the moment', { cause: error })
    case 'denied':
      return new TimerError('STORE_REFUSED', 'Redis does not let this service in', { cause: error })
    case 'unreachable':
    case 'closed':
      return unavailable(error)
    default:
      return error as Error
  }
}

export function unavailable(cause?: unknown): TimerError {
  return new TimerError('STORE_UNAVAILABLE', 'Redis cannot be reached at the moment', { cause })
}

/** One of several Redis is away: what is only about the others goes on. */
export function partUnavailable(asked: 'one' | 'all'): TimerError {
  return new TimerError(
    'STORE_UNAVAILABLE',
    asked === 'one'
      ? 'the Redis that has this timer, or is to have it, cannot be reached at the moment; others can'
      : 'one of the Redis that hold timers cannot be reached at the moment: the answer would not be whole',
  )
}
