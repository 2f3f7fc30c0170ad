import {
  type Created,
  DEFAULT_MAX_ATTEMPTS,
  DEFAULT_MODE,
  DEFAULT_OWNER,
  type NewTimerRequest,
  type TimerDraft,
  TimerError,
} from '@timers/core'
import type { CreateAnswer, NewTimer } from './client-commands.ts'
import { digestOf } from './nonce.ts'
import { keyTaken } from './refusal.ts'
import { dueAtOf, toData, toExtras } from './stored-timer.ts'

/** The default owner costs no memory. */
export function ownerField(owner: string | undefined): string {
  return owner === undefined || owner === DEFAULT_OWNER ? '' : owner
}

/** What decides where a timer lies, so that all who use it meet there; undefined where it may lie in any shard. */
export function wordOf({ draft, idempotency }: NewTimerRequest): string | undefined {
  const word = draft.key ?? idempotency?.key
  return word === undefined ? undefined : `${ownerField(draft.owner)}\0${word}`
}

/** A timer that is to be stored, but for its id and when it is made. */
export type Unborn = Omit<NewTimer, 'id' | 'createdAt' | 'dueAt'>

export function unborn({ draft, idempotency }: NewTimerRequest): Unborn {
  const owner = ownerField(draft.owner)
  return {
    data: idempotency?.orElse === undefined ? JSON.stringify(toData(draft)) : '',
    owner,
    extras: toExtras(draft),
    idempotency: idempotency && {
      digest: digestOf(owner, idempotency.key),
      fingerprint: idempotency.fingerprint,
    },
  }
}

export function born(
  { data, owner, extras, idempotency }: Unborn,
  draft: TimerDraft,
  id: number,
  createdAt: number,
): NewTimer {
  return { id, data, createdAt, dueAt: dueAtOf(draft, createdAt), owner, extras, idempotency }
}

/**
 * What the client is told, undefined where the id was taken.
 *
 * @throws TimerError `KEY_TAKEN`, `IDEMPOTENCY_KEY_REUSED`, and what is to be told of a request that came too late
 */
export function createdBy(
  { draft, idempotency }: NewTimerRequest,
  timer: NewTimer,
  answer: CreateAnswer,
): Created | undefined {
  switch (answer.kind) {
    case 'stored':
      return created(draft, timer, false)
    case 'replay':
      return created(draft, answer, true)
    case 'key taken':
      throw keyTaken(answer.id)
    case 'none':
      throw idempotency?.orElse
    case 'reused':
      throw new TimerError(
        'IDEMPOTENCY_KEY_REUSED',
        'this idempotency key came with another request before: use a new key for a new timer',
      )
    default:
      return undefined
  }
}

/** A timer as its client is told of it. */
function created(
  draft: TimerDraft,
  { id, createdAt, dueAt }: Pick<Created, 'id' | 'createdAt' | 'dueAt'>,
  replayed: boolean,
): Created {
  return {
    id,
    owner: draft.owner ?? DEFAULT_OWNER,
    url: draft.url,
    mode: draft.mode ?? DEFAULT_MODE,
    maxAttempts: draft.maxAttempts ?? DEFAULT_MAX_ATTEMPTS,
    payload: draft.payload,
    headers: draft.headers,
    traceparent: draft.traceparent,
    requestId: draft.requestId,
    key: draft.key,
    labels: draft.labels,
    expiresIn: draft.expiresIn,
    callback: draft.callback,
    createdAt,
    dueAt,
    replayed,
  }
}
