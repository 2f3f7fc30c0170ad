import type { Change, Creation, Miss, Redrive, Sweep, Telling } from './answers.ts'
import type { CallbackSighting, Sighting } from './sightings.ts'
import type { AttemptView, TimerView } from './timer-view.ts'

/** All that is known of one timer. */
export interface JudgedTimer {
  readonly id: number
  /** The request that made it, as far as is known. */
  readonly creation: Creation
  /** All requests with its key. */
  readonly asked: readonly Creation[]
  readonly seen: readonly Sighting[]
  readonly view: TimerView | undefined
  readonly redrives: readonly Redrive[]
  readonly tellings: readonly Telling[]
  readonly misses: readonly Miss[]
  readonly changes: readonly Change[]
  /** Of its labels. */
  readonly sweeps: readonly Sweep[]
  readonly callbacks: readonly CallbackSighting[]
  readonly operatorOn: readonly string[]
  readonly stillToTell: boolean
  /** Whether the worker of an attempt may have been given up for lost before Redis had the outcome. */
  readonly mayBeGivenUp: (attempt: AttemptView) => boolean
  readonly mayForget: (attempt: AttemptView) => boolean
  readonly restAt: number
  readonly healedAt: number
}
