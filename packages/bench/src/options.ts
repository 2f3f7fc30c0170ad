import { parseArgs } from 'node:util'

export interface Options {
  /** A smoke run: everything small, one repeat. Its figures mean nothing. */
  readonly quick: boolean
  /** Names of the measures to make; empty: all. */
  readonly only: readonly string[]
  readonly repeats: number
  /** How many timers go through API and worker in the measure `memory`, and wait in `pending`. */
  readonly timers: number
  /** How many timers are overdue in the measure `backlog`. */
  readonly overdue: number
  /** Where the figures go as JSON. */
  readonly json: string
  /** Whether docs/benchmarks.md and its plots are written anew. */
  readonly docs: boolean
  /** Whether docs/scale-figures.json is, and the tables of docs/scale.md. */
  readonly scale: boolean
  /** Folder of another commit, built, that the measure `beside` compares with. */
  readonly beside: string | undefined
}

export const USAGE = `npm run bench -- [options]
  --quick          a smoke run of everything, under a minute
  --only <name>    only this measure; may be given several times. A run of everything leaves out "cluster", "idle" and "moves"
  --repeats <n>    repeats of each measurement (default 5; 3 with --scale)
  --timers <n>     timers in the measures "pending" and "memory" (default 1000000)
  --overdue <n>    timers in the measure "backlog" (default 100000)
  --json <file>    where the figures go (default data/bench.json)
  --docs           write docs/benchmarks.md also after a run with other options
  --scale          only what docs/scale.md is made of: write its figures and tables
  --beside <path>  only this commit beside another one: a folder with its sources, built`

/** What docs/scale.md is made of. */
const SCALE_MEASURES = ['cluster', 'idle', 'moves']
/** Made only where there is something to compare with. */
const BESIDE = 'beside'

/** Wrong arguments: the message says what to write. */
export class UsageError extends Error {}

/** @throws UsageError */
export function parseOptions(args: readonly string[], known: readonly string[]): Options {
  const values = readArgs(args)
  const asked = values.only ?? []
  for (const name of asked) {
    if (!known.includes(name))
      throw new UsageError(`There is no measure "${name}". There are: ${known.join(', ')}`)
  }
  const quick = values.quick ?? false
  const scale = values.scale ?? false
  if (scale && (asked.length > 0 || quick || values.beside !== undefined))
    throw new UsageError('--scale measures all that it needs: give it no --only, --quick or --beside')
  if (asked.includes(BESIDE) && values.beside === undefined)
    throw new UsageError(`The measure "${BESIDE}" needs a folder to compare with: --beside <path>`)
  const besideOnly = values.beside !== undefined && asked.length === 0
  const only = scale ? SCALE_MEASURES : besideOnly ? [BESIDE] : asked
  const asShipped = !quick && only.length === 0 && values.timers === undefined && values.overdue === undefined
  return {
    quick,
    only,
    repeats: wholeNumber('--repeats', values.repeats) ?? (quick ? 1 : scale ? 3 : 5),
    timers: wholeNumber('--timers', values.timers) ?? (quick ? 3_000 : 1_000_000),
    overdue: wholeNumber('--overdue', values.overdue) ?? (quick ? 500 : 100_000),
    json: values.json ?? 'data/bench.json',
    docs: values.docs ?? asShipped,
    scale,
    beside: values.beside,
  }
}

function readArgs(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        quick: { type: 'boolean' },
        only: { type: 'string', multiple: true },
        repeats: { type: 'string' },
        timers: { type: 'string' },
        overdue: { type: 'string' },
        json: { type: 'string' },
        docs: { type: 'boolean' },
        scale: { type: 'boolean' },
        beside: { type: 'string' },
      },
    }).values
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function wholeNumber(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (!/^[1-9]\d*$/.test(text)) throw new UsageError(`${name} must be a whole number of at least 1`)
  return Number(text)
}
