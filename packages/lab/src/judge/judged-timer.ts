import {
  answeredAt,
  type Change,
  type Creation,
  isDone,
  mayExist,
  mayHaveHappened,
  type Redrive,
  type Sweep,
  type Telling,
} from './answers.ts'
import { possibleAt, type Write } from './register.ts'
import type { CallbackSighting, Sighting } from './sightings.ts'
import type { TimerView } from './timer-view.ts'

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
  readonly changes: readonly Change[]
  /** Of its labels. */
  readonly sweeps: readonly Sweep[]
  readonly callbacks: readonly CallbackSighting[]
  readonly stillToTell: boolean
  readonly restAt: number
  readonly healedAt: number
}

/** When a timer is due: exactly, or, where nobody was told, not before. */
export interface DueTime {
  readonly dueAt: number | undefined
  readonly notBefore: number
}

/** The times that a timer was given, and may have been given. */
export function dueTimes(timer: JudgedTimer): Write<DueTime>[] {
  const { id, asked, changes } = timer
  const made = makers(timer)
  const writes: Write<DueTime>[] = [
    {
      ...firstWrite(timer),
      value: {
        dueAt: made[0]?.acknowledged?.id === id ? made[0]?.acknowledged?.dueAt : undefined,
        notBefore: Math.min(...made.map(({ askedAt, durationMs }) => askedAt + durationMs)),
      },
    },
  ]
  for (const put of asked.filter(({ onConflict }) => onConflict === 'replace')) {
    const value = { dueAt: put.acknowledged?.dueAt, notBefore: put.askedAt + put.durationMs }
    writes.push(...writesOfPut(put, id, value))
  }
  for (const change of changes.filter(mayHaveHappened)) {
    const { durationMs, at, askedAt, told } = change
    if (!movesTime(change)) continue
    const dueAt = isDone(change) ? told?.dueAt : at
    writes.push(writeOf(change, { dueAt, notBefore: at ?? askedAt + (durationMs ?? 0) }))
  }
  return writes
}

/** The requests that were told that they made it; else the one that may have. */
function makers({ id, creation, asked }: JudgedTimer): readonly Creation[] {
  const told = asked.filter(({ acknowledged }) => acknowledged?.id === id && !acknowledged.met)
  return told.length > 0 ? told : [creation]
}

/** When a timer was made. */
function firstWrite(timer: JudgedTimer): Omit<Write<unknown>, 'value'> {
  const { id, creation } = timer
  const made = makers(timer)
  const isTold = made[0]?.acknowledged?.id === id
  return {
    askedAt: Math.min(...made.map(({ askedAt }) => askedAt)),
    // Where nobody was told of it: whatever else was written, was written after it.
    answeredAt: isTold ? Math.min(...made.map(answeredAt)) : creation.askedAt,
    acknowledged: isTold || creation.onConflict === undefined,
  }
}

/** The contents that a timer was given, and may have been given, by their versions. */
export function contents(timer: JudgedTimer): Write<number>[] {
  const { id, creation, asked, changes } = timer
  const { version = 0 } = creation
  const writes = [{ ...firstWrite(timer), value: version }]
  for (const made of asked) {
    const { version: put, onConflict } = made
    if (put === undefined || made === creation) continue
    if (onConflict === 'keep' || onConflict === undefined) continue
    writes.push(...writesOfPut(made, id, put))
  }
  for (const change of changes.filter(mayHaveHappened)) {
    if (change.version !== undefined) writes.push(writeOf(change, change.version))
  }
  return writes
}

/** Earliest and latest time at which a timer may have been due, as of an instant. */
export function dueWithin(timer: JudgedTimer, at: number): { from: number; to: number } {
  const possible = possibleAt(dueTimes(timer), at)
  const viewed = timer.view === undefined ? Number.NaN : Date.parse(timer.view.due_at)
  const onlyOne = possible.length === 1 && !Number.isNaN(viewed)
  const froms = possible.map(({ dueAt, notBefore }) => dueAt ?? (onlyOne ? viewed : notBefore))
  const tos = possible.map(({ dueAt }) => dueAt ?? (onlyOne ? viewed : Number.POSITIVE_INFINITY))
  return { from: Math.min(...froms), to: Math.max(...tos) }
}

/** Whether it gives the timer a new time. The answer to one that was sent again does not. */
export function movesTime({ kind, durationMs, at, replayed }: Change): boolean {
  if (replayed) return false
  return kind === 'fire' || (kind === 'patch' && (durationMs !== undefined || at !== undefined))
}

function writesOfPut<T>(put: Creation, id: number, value: T): Write<T>[] {
  const { acknowledged, askedAt } = put
  if (acknowledged === undefined) {
    return mayExist(put) ? [{ value, askedAt, answeredAt: Number.NaN, acknowledged: false }] : []
  }
  if (acknowledged.id !== id || acknowledged.met !== true) return []
  return [{ value, askedAt, answeredAt: answeredAt(put), acknowledged: true }]
}

/** One by key that does not say which timer it was about may have been about any. */
function writeOf<T>(change: Change, value: T): Write<T> {
  const { askedAt } = change
  return {
    value,
    askedAt,
    answeredAt: change.answeredAt,
    acknowledged: isDone(change) && change.id !== undefined,
  }
}
