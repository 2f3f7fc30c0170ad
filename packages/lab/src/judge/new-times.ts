import { answeredAt, isDone, isUncertain, mayExist, mayHaveHappened } from './answers.ts'
import type { JudgedTimer } from './judged-timer.ts'

/** A request that gives a timer another time: a change of it, or a `PUT` that met it. */
export interface NewTime {
  readonly askedAt: number
  readonly answeredAt: number
  /** Whether it was surely done to this timer. */
  readonly isDone: boolean
  /** Bounds of what was asked for. */
  readonly notBefore: number
  readonly notAfter: number
  /** The due time in the answer. */
  readonly told: number | undefined
}

/** All of them, in no order. */
export function newTimes({ id, asked, changes }: JudgedTimer): NewTime[] {
  const puts = asked.flatMap((put): NewTime[] => {
    const { askedAt, durationMs, acknowledged, onConflict } = put
    const met = acknowledged?.id === id && acknowledged.met === true
    if (onConflict !== 'replace' || !(met || mayExist(put))) return []
    const until = met ? answeredAt(put) : Number.POSITIVE_INFINITY
    return [
      {
        askedAt,
        answeredAt: until,
        isDone: met,
        notBefore: askedAt + durationMs,
        notAfter: until + durationMs,
        told: acknowledged?.dueAt,
      },
    ]
  })
  const changed = changes.filter(mayHaveHappened).flatMap((change): NewTime[] => {
    const { kind, askedAt, durationMs, at, told, replayed } = change
    if (kind !== 'fire' && (kind !== 'patch' || (durationMs ?? at) === undefined)) return []
    const until = isUncertain(change) ? Number.POSITIVE_INFINITY : change.answeredAt
    const notBefore = at ?? askedAt + (durationMs ?? 0)
    const notAfter = at === undefined ? until + (durationMs ?? 0) : Math.max(at, until)
    // One that was sent again is answered with what the first came to.
    const isReplay = replayed === true && told?.dueAt !== undefined
    return [
      {
        askedAt,
        answeredAt: until,
        isDone: isDone(change) && change.id !== undefined && !isReplay,
        notBefore: isReplay ? Math.min(notBefore, told?.dueAt ?? notBefore) : notBefore,
        notAfter,
        told: told?.dueAt,
      },
    ]
  })
  return [...puts, ...changed]
}

/** Whether the answer tells a time that was asked for with this very request. */
export function isOwn(time: NewTime): boolean {
  return fits(time.told, time)
}

/**
 * Whether the answer tells a time that another one asked for, which was under way meanwhile. An answer that was lost on the
 * way and asked for again tells how the timer is by then: true, and not what was asked for.
 */
export function isOfRival(time: NewTime, all: readonly NewTime[]): boolean {
  return all.some(
    (other) =>
      other !== time &&
      other.askedAt <= time.answeredAt &&
      other.answeredAt >= time.askedAt &&
      fits(time.told, other),
  )
}

function fits(dueAt: number | undefined, { notBefore, notAfter }: NewTime): boolean {
  return dueAt !== undefined && dueAt >= notBefore && dueAt <= notAfter
}
