import type { Figure } from './figure.ts'

/** How large the measurements are. */
export interface Scale {
  /** Timers of a burst. */
  readonly burst: number
  /** Timers of the burst that goes ahead of the first repeat, so that the code is compiled; 0: nothing goes ahead. */
  readonly warmUp: number
  /** Length of one run of closed-loop load. */
  readonly seconds: number
  /** Steady rates, and for how long. */
  readonly steady: readonly { readonly perSecond: number; readonly seconds: number }[]
  /** Timers that wait in `pending`, and that go through in `memory`. */
  readonly timers: number
  /** Creates, and fires, of one comparison in `pending`, and how long the timers of the creates run. */
  readonly compared: { readonly count: number; readonly seconds: number }
  /** How long a process is left alone before its memory is read, in milliseconds. */
  readonly settleMs: number
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
        burst: 400,
        warmUp: 0,
        seconds: 1,
        steady: [
          { perSecond: 5, seconds: 1 },
          { perSecond: 100, seconds: 1 },
          { perSecond: 500, seconds: 1 },
        ],
        timers,
        compared: { count: 200, seconds: 1 },
        settleMs: 200,
      }
    : {
        burst: 10_000,
        warmUp: 2_000,
        seconds: 5,
        steady: [
          { perSecond: 5, seconds: 20 },
          { perSecond: 100, seconds: 15 },
          { perSecond: 500, seconds: 10 },
        ],
        timers,
        compared: { count: 5_000, seconds: 4 },
        settleMs: 3_000,
      }
}
