import {
  type Created,
  DEFAULT_MAX_ATTEMPTS,
  DEFAULT_MODE,
  DEFAULT_OWNER,
  type NewTimerRequest,
  type TimerDraft,
} from '@timers/core'
import type { CreateAnswer, NewTimer } from './client-commands.ts'
import { digestOf } from './nonce.ts'
import { keyReused, keyTaken } from './refusal.ts'
import { dueAtOf, toExtras } from './stored-change.ts'
import { toData } from './stored-timer.ts'

/** The default owner costs no memory. */
export function ownerField(owner: string | undefined): string {
  return owner === undefined || owner === DEFAULT_OWNER ? '' : owner
}

/** What a key of a timer's own decides its shard by. */
export function keyWord(owner: string | undefined, key: string): string {
  return `key\0${ownerField(owner)}\0${key}`
}

/** What an idempotency key decides a shard by. */
export function idempotencyWord(owner: string | undefined, key: string): string {
  return `idempotency\0${ownerField(owner)}\0${key}`
}

/** The word that decides where a timer lies, so that all who use it meet there; undefined where any shard will do. */
export function wordOf({ draft: { owner, key }, idempotency }: NewTimerRequest): string | undefined {
  if (key !== undefined) return keyWord(owner, key)
  return idempotency && idempotencyWord(owner, idempotency.key)
}

/** A timer that is to be stored, but for its id, its shard, and the moment at which it is made. */
export type Unborn = Omit<NewTimer, 'id' | 'createdAt' | 'dueAt' | 'upTo'>

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
  timer: Unborn,
  draft: TimerDraft,
  id: number,
  createdAt: number,
  upTo: number | undefined,
): NewTimer {
  const { data, owner, extras, idempotency } = timer
  return { id, data, createdAt, dueAt: dueAtOf(draft, createdAt), owner, extras, idempotency, upTo }
}

/** What is still to be seen to, and by whom: the id was taken, a guard stands in doubt, or the word has its home elsewhere. */
export type Unsettled = Extract<CreateAnswer, { readonly kind: 'id taken' | 'doubt' | 'moved' }>

/**
 * What the client is told.
 *
 * @throws TimerError `KEY_TAKEN`, `IDEMPOTENCY_KEY_REUSED`, and what is to be told of a request that came too late
 */
export function createdBy(
  { draft, idempotency }: NewTimerRequest,
  timer: NewTimer,
  answer: Exclude<CreateAnswer, Unsettled>,
): Created {
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
      throw keyReused()
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
