import { type EventType, eventBody, type TimerRecord } from '@timers/core'
import type { TimerHash } from './stored-timer.ts'

/**
 * What a callback tells, `e` in its data.
 *
 * A callback is a timer of its own, which `lua/includes/outbox.lua` stores in the step that brings another timer to its
 * end. It has no payload: its body is made, whenever it is sent, of that timer as it was in that moment. So it is the
 * same each time, whatever has become of the timer since.
 */
export interface StoredEvent {
  readonly y: EventType
  /** When it happened, epoch ms. */
  readonly t: number
  /** Fields of the timer's hash, as they were. */
  readonly h: TimerHash
}

/** What of a callback comes from the timer that it tells of. */
export interface Told {
  readonly callbackOf: number
  readonly payload: string
  readonly traceparent: string | undefined
  readonly requestId: string | undefined
}

/**
 * @param timerId of the timer that is told of
 * @param read reads a timer from its hash
 */
export function toldOf(
  timerId: number,
  { y: type, t: at, h: hash }: StoredEvent,
  read: (id: number, hash: TimerHash) => TimerRecord | undefined,
): Told {
  const record = read(timerId, hash)
  if (record === undefined) throw new Error(`the event of timer ${timerId} holds no timer`)
  const { traceparent, requestId } = record
  return { callbackOf: timerId, payload: eventBody(type, at, record), traceparent, requestId }
}
