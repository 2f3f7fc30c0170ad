import { parseArgs } from 'node:util'
import {
  ALL_FAULTS,
  FAULT_KINDS,
  type FaultKind,
  faultsOn,
  REDIS_KINDS,
  type RedisKind,
} from './fault-kinds.ts'

export interface Options {
  readonly seed: string
  readonly minutes: number
  readonly redis: RedisKind
  /** Of each primary; 0 for a single Redis. */
  readonly replicas: number
  /** REDIS_REPLICA_ACKS. Where it is 0 and there are replicas, what a failover forgets is counted, and no failure. */
  readonly acks: number
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
  --redis KIND       ${REDIS_KINDS.join(', ')} (default single)
  --replicas N       of each primary of a cluster, or under the Sentinels: 1 or 2 (default 1)
  --acks N           REDIS_REPLICA_ACKS (default: as many as there are replicas); with 0 what failovers forget is counted, and no failure
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
  const redis = toRedis(values.redis ?? 'single')
  const { replicas, acks } = toReplicas(redis, values.replicas, values.acks)
  const seed = values.seed ?? Math.random().toString(36).slice(2, 8)
  if (!/^[\w.-]{1,40}$/.test(seed))
    throw new UsageError('--seed must be 1 to 40 letters, digits, dots, - or _')
  return {
    seed,
    minutes: toNumber('--minutes', values.minutes ?? '10', 0.5, 24 * 60),
    ratePerSecond: toNumber('--rate', values.rate ?? '25', 0.1, 1_000),
    redis,
    replicas,
    acks,
    faults: toFaults(values.faults ?? faultsOn(redis).join(','), redis),
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
        redis: { type: 'string' },
        replicas: { type: 'string' },
        acks: { type: 'string' },
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

function toRedis(text: string): RedisKind {
  const redis = REDIS_KINDS.find((kind) => kind === text)
  if (redis === undefined) throw new UsageError(`--redis must be ${REDIS_KINDS.join(', ')}`)
  return redis
}

function toReplicas(
  redis: RedisKind,
  replicasText: string | undefined,
  acksText: string | undefined,
): { replicas: number; acks: number } {
  if (redis === 'single') {
    if (replicasText !== undefined || acksText !== undefined)
      throw new UsageError('--replicas and --acks are for --redis cluster and --redis sentinel')
    return { replicas: 0, acks: 0 }
  }
  const replicas = toNumber('--replicas', replicasText ?? '1', 1, 2)
  const acks = toNumber('--acks', acksText ?? String(replicas), 0, replicas)
  const wrong = [replicas, acks].find((value) => !Number.isInteger(value))
  if (wrong !== undefined) throw new UsageError('--replicas and --acks must be whole numbers')
  return { replicas, acks }
}

function toFaults(text: string, redis: RedisKind): FaultKind[] {
  if (text === 'none') return []
  const wanted = text.split(',').map((name) => name.trim())
  const wrong = wanted.filter((name) => !Object.hasOwn(FAULT_KINDS, name))
  if (wrong.length > 0)
    throw new UsageError(`--faults knows no ${wrong.join(', ')}; there are ${ALL_FAULTS.join(', ')}`)
  const possible = faultsOn(redis)
  const elsewhere = wanted.filter((name) => !(possible as string[]).includes(name))
  if (elsewhere.length > 0)
    throw new UsageError(`--redis ${redis} has no ${elsewhere.join(', ')}; it has ${possible.join(', ')}`)
  // In the order of the table, so that the plan does not depend on how they were written.
  return ALL_FAULTS.filter((kind) => wanted.includes(kind))
}
