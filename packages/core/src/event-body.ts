import type { FinalStatus, TimerRecord } from './timer.ts'
import { timerView } from './timer-view.ts'

/** What an event tells: that a timer came to this end. */
export type EventType = `timer.${FinalStatus}`

/** The body of a callback or an event, as JSON text: what became of a timer at the instant `at` (epoch milliseconds). */
export function eventBody(type: EventType, at: number, record: TimerRecord): string {
  const timestamp = new Date(at).toISOString()
  return JSON.stringify({ type, timestamp, data: { timer: timerView(record, at) } })
}
