import type { TimerPosition } from '@timers/core'
import { jobIdOf, timerIdOf } from '../shards/shard-keys.ts'

/** A place in the order of all timers: by due time (epoch ms), then by job id as text. '' comes before all ids. */
export interface Place {
  readonly dueAt: number
  readonly jobId: string
}

export type Order = 'asc' | 'desc'

/** Below 0 where `a` comes first. */
export function compare(a: Place, b: Place, order: Order): number {
  const up = a.dueAt - b.dueAt || (a.jobId < b.jobId ? -1 : Number(a.jobId > b.jobId))
  return order === 'asc' ? up : -up
}

export function isBefore(a: Place, b: Place, order: Order): boolean {
  return compare(a, b, order) < 0
}

export function placeOf({ dueAt, id }: TimerPosition): Place {
  return { dueAt, jobId: jobIdOf(id) }
}

export function positionOf({ dueAt, jobId }: Place): TimerPosition {
  return { dueAt, id: timerIdOf(jobId) }
}
