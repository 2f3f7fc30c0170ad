import { randomBytes } from 'node:crypto'
import { Installation } from '@timers/lab'
import type { Figure } from './figure.ts'
import type { Options } from './options.ts'
import type { ScalePart } from './scale/scale-figures.ts'

/**
 * Settings beside the defaults. One receiver on loopback stands for many here: the cap on requests in flight to one origin
 * must not be what is measured. Webhooks are signed.
 */
export const SETTINGS = {
  NODE_ENV: 'production',
  LOG_LEVEL: 'info',
  DELIVERY_MAX_PER_ORIGIN: 1_000,
  WEBHOOK_SECRETS: `whsec_${randomBytes(32).toString('base64')}`,
}

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
  /** Timers to silent receivers, and how long healthy ones are watched beside them, in milliseconds. */
  readonly silent: { readonly count: number; readonly watchMs: number }
  /** Timers that are overdue, and for how long new ones come due beside them, in milliseconds. */
  readonly backlog: { readonly count: number; readonly watchMs: number }
  /** Costs by topology of Redis: creates and fires that are counted, those ahead that are not, and how much of the steady ones. */
  readonly costs: {
    readonly creates: number
    readonly fires: number
    readonly warmUp: number
    readonly share: number
    /** How long processes are left alone so that it is known what they take at rest, in milliseconds. */
    readonly restMs: number
  }
  /** How long an idle worker is watched, in milliseconds. */
  readonly idleMs: number
  /** Timers of the slot that is moved. */
  readonly moved: number
  /** How long a process is left alone before its memory is read, in milliseconds. */
  readonly settleMs: number
}

/** What the run of all measures is told. */
interface Context {
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
  /** What docs/scale.md needs of it. */
  readonly scale?: ScalePart
}

export interface Measure {
  /** For `--only`. */
  readonly name: string
  readonly run: (context: Context) => Promise<MeasureResult>
}

/** What a measure works with. All that it starts is stopped at its end, the last first. */
export interface Bench extends Context {
  /** A Redis, for services to be started on. */
  install(name?: string): Promise<Installation>
  /** Starts something of the bench's own. */
  use<T extends { stop(): Promise<unknown> }>(started: T | Promise<T>): Promise<T>
  /** Measures as often as asked for, and tells what came of it. */
  repeat<T>(once: () => Promise<T>, tell?: (result: T) => string): Promise<T[]>
}

export function measure(name: string, run: (bench: Bench) => Promise<MeasureResult>): Measure {
  return {
    name,
    run: async (context) => {
      const stops: (() => Promise<unknown>)[] = []
      const bench: Bench = {
        ...context,
        install: async (folder = name) => {
          const options = { apis: 0, workers: 0, env: SETTINGS, folder: context.newFolder(folder) }
          const installation = await Installation.start(options)
          stops.push(() => installation.close())
          return installation
        },
        use: async (started) => {
          const thing = await started
          stops.push(() => thing.stop())
          return thing
        },
        repeat: async (once, tell = JSON.stringify) => {
          const results = []
          for (let repeat = 0; repeat < context.repeats; repeat += 1) {
            const result = await once()
            results.push(result)
            context.log(`${name}: ${tell(result)}`)
          }
          return results
        },
      }
      try {
        return await run(bench)
      } finally {
        for (const stop of stops.reverse()) await stop()
      }
    },
  }
}

export function scaleOf({ quick, timers, overdue }: Options): Scale {
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
        silent: { count: 100, watchMs: 1_500 },
        backlog: { count: overdue, watchMs: 1_000 },
        costs: { creates: 400, fires: 300, warmUp: 200, share: 0.05, restMs: 200 },
        idleMs: 500,
        moved: 1_000,
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
        silent: { count: 2_000, watchMs: 10_000 },
        backlog: { count: overdue, watchMs: 10_000 },
        costs: { creates: 15_000, fires: 8_000, warmUp: 3_000, share: 1, restMs: 1_500 },
        idleMs: 12_000,
        moved: 100_000,
        settleMs: 3_000,
      }
}
