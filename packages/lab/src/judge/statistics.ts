/** Median, smallest and largest of the repeats of one measurement. */
export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
}

/** Throws on an empty list: a measurement that was never made has no figures. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = ascending(values)
  return { median: middle(sorted), min: sorted[0] as number, max: sorted.at(-1) as number }
}

/** The spread of `values[i] / references[i]`: each repeat is held against the reference of the same repeat. */
export function ratioOf(values: readonly number[], references: readonly number[]): Spread {
  if (values.length !== references.length) throw new RangeError('as many references as values are needed')
  return spreadOf(values.map((value, index) => value / (references[index] as number)))
}

/**
 * The smallest value that at least `share` of all values do not exceed (nearest rank). `share` in (0, 1]; with 100
 * values, 0.99 gives the 99th.
 */
export function percentile(values: readonly number[], share: number): number {
  const sorted = ascending(values)
  // Rounded first: 0.07 * 100 is 7.000000000000001.
  const rank = Math.ceil(Number((share * sorted.length).toFixed(9)))
  return sorted[Math.max(0, rank - 1)] as number
}

function ascending(values: readonly number[]): number[] {
  if (values.length === 0) throw new RangeError('nothing was measured')
  return [...values].sort((a, b) => a - b)
}

function middle(sorted: readonly number[]): number {
  const half = Math.floor(sorted.length / 2)
  const upper = sorted[half] as number
  return sorted.length % 2 === 1 ? upper : ((sorted[half - 1] as number) + upper) / 2
}
