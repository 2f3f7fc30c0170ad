/*
 * What the same work costs changes by a third from one minute to the next on a machine whose cores are shared with others. So
 * what is compared takes turns, in slices of a second or less.
 */

/** Does something with each, in turn, so many times; whoever was first is last the next time. Gives what came of it, for each. */
export async function inTurn<S, T>(
  all: readonly S[],
  times: number,
  act: (one: S) => Promise<T>,
): Promise<T[][]> {
  const results = all.map((): T[] => [])
  for (let turn = 0; turn < times; turn += 1) {
    const indexes = [...all.keys()]
    for (const index of turn % 2 === 0 ? indexes : indexes.reverse())
      results[index]?.push(await act(all[index] as S))
  }
  return results
}

/** One of so many slices. */
export function sliceOf(amount: number, slices: number): number {
  return Math.round(amount / slices)
}
