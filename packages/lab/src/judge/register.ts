/**
 * A value that clients write, one after the other or at the same time, and nobody can be asked for.
 *
 * A write that was acknowledged happened between its question and its answer. One that got no answer may happen at any time
 * after it was asked for, or never.
 */
export interface Write<T> {
  readonly value: T
  readonly askedAt: number
  readonly answeredAt: number
  readonly acknowledged: boolean
}

/** What may have been the value at an instant: of all that was asked for by then, what nothing later has surely replaced. */
export function possibleAt<T>(writes: readonly Write<T>[], at: number): T[] {
  const settled = writes.filter((write) => write.acknowledged && write.answeredAt <= at)
  return writes
    .filter(
      (write) =>
        write.askedAt <= at &&
        !(write.acknowledged && settled.some((later) => later.askedAt > write.answeredAt)),
    )
    .map(({ value }) => value)
}
