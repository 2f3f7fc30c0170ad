import type { HeldBy } from './ports.ts'
import type { TimerRecord } from './timer.ts'

/** What a pending timer waits for. `worker`: it is due, and nobody has taken it yet. */
export type WaitingFor = 'due_time' | 'retry' | HeldBy | 'worker'

/** What a timer waits for at the instant `now` (epoch ms), and when its next attempt is planned. */
export interface Waiting {
  readonly for: WaitingFor
  /** Epoch ms; undefined where it is due already. */
  readonly until: number | undefined
}

/** Undefined where it is not pending. Pure. */
export function waitingOf(record: TimerRecord, now: number): Waiting | undefined {
  const { status, held, nextAttemptAt, dueAt } = record
  if (status !== 'pending') return undefined
  if (held !== undefined && held.until > now) return { for: held.by, until: held.until }
  if (nextAttemptAt !== undefined && nextAttemptAt > now) return { for: 'retry', until: nextAttemptAt }
  if (nextAttemptAt === undefined && dueAt > now) return { for: 'due_time', until: dueAt }
  return { for: 'worker', until: undefined }
}
