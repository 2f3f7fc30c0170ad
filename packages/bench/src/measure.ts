import type { Figure } from './figure.ts'

/** How large the measurements are. */
export interface Scale {
  /** Timers of a burst. */
  readonly burst: number
  /** Timers of the burst that goes ahead of the first repeat, so that the code is compiled. */
  readonly warmUp: number
  /** Length of one run of closed-loop load. */
  readonly seconds: number
  /** Steady rates, and for how long. */
  readonly steady: readonly { readonly perSecond: number; readonly seconds: number }[]
  /** Timers that wait in `pending`, and that go through in `memory`. */
  readonly timers: number
}

export interface Context {
  readonly scale: Scale
  readonly repeats: number
  /** A new folder, removed at the end. */
  readonly newFolder: (name: string) => string
  /** Tells what is going on. */
  readonly log: (line: string) => void
}

/** A picture for the documents. */
export interface Plot {
  /** Name of its file, without folder. */
  readonly file: string
  readonly caption: string
  readonly svg: string
}

export interface MeasureResult {
  readonly figures: readonly Figure[]
  readonly plots?: readonly Plot[]
  /** More numbers, for the JSON file. */
  readonly details?: unknown
}

export interface Measure {
  /** For `--only`. */
  readonly name: string
  readonly run: (context: Context) => Promise<MeasureResult>
}

export function scaleOf(quick: boolean, timers: number): Scale {
  return quick
    ? {
        burst: 500,
        warmUp: 100,
        seconds: 1,
        steady: [
          { perSecond: 5, seconds: 1 },
          { perSecond: 100, seconds: 1 },
          { perSecond: 500, seconds: 1 },
        ],
        timers,
      }
    : {
        burst: 10_000,
        warmUp: 2_000,
        seconds: 5,
        steady: [
          { perSecond: 5, seconds: 40 },
          { perSecond: 100, seconds: 20 },
          { perSecond: 500, seconds: 20 },
        ],
        timers,
      }
}
