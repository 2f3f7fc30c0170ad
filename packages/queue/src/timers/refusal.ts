import { TimerError, type TimerStatus } from '@timers/core'
import type { Shard } from '../shards/shards.ts'
import type { ChangeAnswer } from './client-commands.ts'
import { toStoreError, unavailable } from './store-error.ts'
import type { TimerHash } from './stored-timer.ts'

export type RefusedAnswer = Exclude<ChangeAnswer, { readonly kind: 'missing' } | { readonly hash: TimerHash }>

/**
 * Why a command on a timer was not carried out.
 *
 * @param refused what it means that the timer is in no state for this command
 */
export function refusalOf(
  answer: RefusedAnswer,
  refused: (status: TimerStatus) => TimerError = notRedrivable,
): TimerError {
  switch (answer.kind) {
    case 'firing':
      return new TimerError(
        'ALREADY_FIRING',
        'a worker has claimed this timer: its request may be under way',
        { details: { status: answer.status } },
      )
    case 'finished':
      return new TimerError('ALREADY_FINISHED', `this timer is ${answer.status}: it can be changed no more`, {
        details: { status: answer.status },
      })
    case 'taken':
      return keyTaken(answer.id)
    case 'refused':
      return refused(answer.status)
  }
}

export function keyTaken(id: number): TimerError {
  return new TimerError('KEY_TAKEN', `timer ${id} has this key and is not finished`, {
    field: 'key',
    details: { timer_id: id },
  })
}

function notRedrivable(status: TimerStatus): TimerError {
  return new TimerError(
    'NOT_REDRIVABLE',
    'only a timer whose status is failed or unknown can be sent again',
    { details: { status } },
  )
}

/** Sent again because its reply was lost, and refused only then: the first may have done it. */
export function doubted(error: unknown, shard: Shard, losses: number): Error {
  const failure = toStoreError(error)
  const refused = failure instanceof TimerError && failure.code === 'STORE_REFUSED'
  return refused && shard.losses !== losses ? unavailable(error) : failure
}

export function keyReused(): TimerError {
  return new TimerError(
    'IDEMPOTENCY_KEY_REUSED',
    'this idempotency key came with another request before: use a new key for a new timer',
  )
}
