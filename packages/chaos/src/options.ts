import { parseArgs } from 'node:util'
import { ALL_FAULTS, FAULT_KINDS, type FaultKind } from './fault-kinds.ts'

export interface Options {
  readonly seed: string
  readonly minutes: number
  readonly ratePerSecond: number
  readonly faults: readonly FaultKind[]
  /** Folder for the report. */
  readonly out: string
  /** Whether the processes' own logs are kept beside the report even if nothing was found. */
  readonly keepLogs: boolean
}

export const USAGE = `npm run chaos -- [options]

  --seed TEXT        plan to run; the same seed gives the same plan (default: a new one, which is printed)
  --minutes N        how long timers are created and things broken (default 10)
  --faults A,B,...   only these faults, or 'none' (default: all)
  --rate N           timers created a second (default 25)
  --out FOLDER       where the report goes (default chaos-reports/<seed>)
  --keep-logs        keep the logs of all processes beside the report even if nothing was found
  --help

Faults:
${ALL_FAULTS.map((kind) => `  ${kind.padEnd(14)} ${FAULT_KINDS[kind].says}`).join('\n')}
`

/** A command line that cannot be followed, in words for the person at the terminal. */
export class UsageError extends Error {}

/** @returns undefined where help was asked for */
export function parseOptions(args: readonly string[]): Options | undefined {
  const { values } = parse(args)
  if (values.help) return undefined
  const seed = values.seed ?? Math.random().toString(36).slice(2, 8)
  if (!/^[\w.-]{1,40}$/.test(seed))
    throw new UsageError('--seed must be 1 to 40 letters, digits, dots, - or _')
  return {
    seed,
    minutes: toNumber('--minutes', values.minutes ?? '10', 0.5, 24 * 60),
    ratePerSecond: toNumber('--rate', values.rate ?? '25', 0.1, 1_000),
    faults: toFaults(values.faults ?? ALL_FAULTS.join(',')),
    out: values.out ?? `chaos-reports/${seed}`,
    keepLogs: values['keep-logs'] ?? false,
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        seed: { type: 'string' },
        minutes: { type: 'string' },
        faults: { type: 'string' },
        rate: { type: 'string' },
        out: { type: 'string' },
        'keep-logs': { type: 'boolean' },
        help: { type: 'boolean' },
      },
    })
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function toNumber(name: string, text: string, least: number, most: number): number {
  const value = Number(text)
  if (text.trim() === '' || !(value >= least && value <= most)) {
    throw new UsageError(`${name} must be a number from ${least} to ${most}`)
  }
  return value
}

function toFaults(text: string): FaultKind[] {
  if (text === 'none') return []
  const wanted = text.split(',').map((name) => name.trim())
  const wrong = wanted.filter((name) => !Object.hasOwn(FAULT_KINDS, name))
  if (wrong.length > 0)
    throw new UsageError(`--faults knows no ${wrong.join(', ')}; there are ${ALL_FAULTS.join(', ')}`)
  // In the order of the table, so that the plan does not depend on how they were written.
  return ALL_FAULTS.filter((kind) => wanted.includes(kind))
}
