import { type EventType, eventBody, type TimerRecord } from '@timers/core'
import type { TimerHash } from './stored-timer.ts'

/**
 * # What a callback tells
 *
 * A callback is a timer of its own, which `lua/includes/outbox.lua` stores in the step that brings another timer to its
 * end. It has no payload: the body is made of a snapshot of that timer whenever it is sent, and is the same each time,
 * whatever has become of the timer since.
 */
export interface StoredEvent {
  readonly y: EventType
  /** When it happened, epoch ms. */
  readonly t: number
  /** Id of the timer that it tells of. */
  readonly i: number
  /** Fields of that timer's hash, as they were in that moment. */
  readonly h: TimerHash
}

/** What of a callback follows from the timer that it tells of. */
export interface ToldEvent {
  readonly callbackOf: number
  readonly payload: string
  readonly traceparent: string | undefined
  readonly requestId: string | undefined
}

/** @param read reads a timer from its hash */
export function toldEvent(
  { y: type, t: at, i: id, h: hash }: StoredEvent,
  read: (id: number, hash: TimerHash) => TimerRecord | undefined,
): ToldEvent {
  const record = read(id, hash)
  if (record === undefined) throw new Error(`the event of timer ${id} has no snapshot`)
  const { traceparent, requestId } = record
  return { callbackOf: id, payload: eventBody(type, at, record), traceparent, requestId }
}
