import { answeredAt, type Change, type Creation, isDone, mayExist, mayHaveHappened } from './answers.ts'
import type { JudgedTimer } from './judged-timer.ts'
import { isOwn, newTimes } from './new-times.ts'
import { possibleAt, type Write } from './register.ts'

/*
 * What clients wrote into a timer, and may have written: its due times and its contents.
 */

/** When a timer is due: exactly, or, where nobody was told, not before. */
interface DueTime {
  readonly dueAt: number | undefined
  readonly notBefore: number
}

function dueTimes(timer: JudgedTimer): Write<DueTime>[] {
  const { id } = timer
  const made = firstWrites(timer, ({ acknowledged, askedAt, durationMs }) => ({
    dueAt: acknowledged?.id === id ? acknowledged.dueAt : undefined,
    notBefore: askedAt + durationMs,
  }))
  const moved = newTimes(timer).map((time): Write<DueTime> => {
    const { askedAt, answeredAt, isDone: acknowledged, notBefore, told } = time
    return { value: { dueAt: isOwn(time) ? told : undefined, notBefore }, askedAt, answeredAt, acknowledged }
  })
  return [...made, ...moved]
}

/** The contents that a timer was given, and may have been given, by their versions. */
export function contents(timer: JudgedTimer): Write<number>[] {
  const { id, asked, changes } = timer
  const versionOf = ({ version = 0 }: Creation): number => version
  const writes = firstWrites(timer, versionOf)
  for (const put of asked) {
    const isWritten = put.onConflict === 'replace' || put.onConflict === 'keep_due'
    if (isWritten) writes.push(...writesOfPut(put, id, versionOf(put)))
  }
  for (const change of changes.filter(mayHaveHappened)) {
    if (change.version !== undefined) writes.push(writeOf(change, change.version))
  }
  return writes
}

/** What a timer was made with. */
function firstWrites<T>({ id, creation, asked }: JudgedTimer, read: (made: Creation) => T): Write<T>[] {
  const told = asked.filter(({ acknowledged }) => acknowledged?.id === id && !acknowledged.met)
  const [first] = told
  if (first !== undefined) {
    return [
      {
        value: read(first),
        // An answer that was given before may have been made by any that was asked before.
        askedAt: Math.min(...asked.map(({ askedAt }) => askedAt)),
        answeredAt: Math.min(...told.map(answeredAt)),
        acknowledged: true,
      },
    ]
  }
  // Of all that want a timer with this key, any that got no answer may have made it.
  if (creation.ownKey !== undefined) {
    return asked.filter(mayExist).map((one) => maybe(one, read(one)))
  }
  // Whatever else was written, was written after it.
  const { askedAt } = creation
  return [{ value: read(creation), askedAt, answeredAt: askedAt, acknowledged: true }]
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

function writesOfPut<T>(put: Creation, id: number, value: T): Write<T>[] {
  const { acknowledged } = put
  if (acknowledged === undefined) {
    return mayExist(put) ? [maybe(put, value)] : []
  }
  if (acknowledged.id !== id || acknowledged.met !== true) return []
  return [{ value, askedAt: put.askedAt, answeredAt: answeredAt(put), acknowledged: true }]
}

function maybe<T>({ askedAt }: Creation, value: T): Write<T> {
  return { value, askedAt, answeredAt: Number.POSITIVE_INFINITY, acknowledged: false }
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
