import { ratioOf, type Spread, spreadOf } from '@timers/lab'

/** A bound that a figure should keep: on its value, or on its ratio to the reference. */
export interface Goal {
  readonly on: 'value' | 'ratio'
  readonly atLeast?: number
  readonly atMost?: number
}

/** One line of the result: what was measured, beside its reference in the same run. */
export interface Figure {
  readonly what: string
  readonly unit: string
  readonly value: Spread
  readonly reference?: { readonly what: string; readonly value: Spread }
  /** Of each repeat to the reference of the same repeat. */
  readonly ratio?: Spread
  readonly goal?: Goal
  readonly note?: string
}

export type Verdict = 'pass' | 'miss' | 'reported'

export interface FigureInput {
  readonly what: string
  readonly unit: string
  /** One a repeat. */
  readonly values: readonly number[]
  readonly reference?: { readonly what: string; readonly values: readonly number[] }
  readonly goal?: Goal
  readonly note?: string
}

export function figure({ what, unit, values, reference, goal, note }: FigureInput): Figure {
  return {
    what,
    unit,
    value: spreadOf(values),
    ...(reference && {
      reference: { what: reference.what, value: spreadOf(reference.values) },
      ratio: ratioOf(values, reference.values),
    }),
    ...(goal && { goal }),
    ...(note !== undefined && { note }),
  }
}

/** Goals are held against the median: one disturbed repeat decides nothing. */
export function verdictOf({ value, ratio, goal }: Figure): Verdict {
  if (goal === undefined) return 'reported'
  const judged = goal.on === 'ratio' ? ratio : value
  if (judged === undefined) throw new TypeError('a goal on a ratio needs a reference')
  const { atLeast = Number.NEGATIVE_INFINITY, atMost = Number.POSITIVE_INFINITY } = goal
  return judged.median >= atLeast && judged.median <= atMost ? 'pass' : 'miss'
}
