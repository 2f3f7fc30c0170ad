import { setTimeout as sleep } from 'node:timers/promises'
import { combine, redisCounters } from './counters.ts'
import { type DeployedService, type Deployment, logBytes } from './deployment.ts'
import { processorMs, transferredBytes } from './processor-time.ts'

/** Whose work is counted. */
export interface Watched {
  readonly deployment: Deployment
  readonly apis: readonly DeployedService[]
  readonly workers: readonly DeployedService[]
  /** Load generator and receiver: they share the processors. */
  readonly bench: readonly number[]
}

/** What all of them have used and moved so far; or what one operation has. Processor time is in microseconds. */
export interface Use {
  /** Of all primaries together. */
  readonly redisUs: number
  readonly replicaUs: number
  readonly apiUs: number
  readonly workerUs: number
  readonly benchUs: number
  readonly commands: number
  /** Between the services and Redis. */
  readonly wireBytes: number
  /** Between clients, services and receivers. */
  readonly httpBytes: number
  readonly replicationBytes: number
  /** Of the append-only files of the primaries. */
  readonly diskBytes: number
  readonly logBytes: number
}

/** What one operation took, above what the same processes take at rest, and how many there were in a second. */
export interface Cost extends Use {
  readonly perSecond: number
}

/** What a second of rest takes. */
export async function restOf(watched: Watched, ms: number): Promise<Use> {
  const [before, startedAt] = [await useOf(watched), performance.now()]
  await sleep(ms)
  const after = await useOf(watched)
  const seconds = (performance.now() - startedAt) / 1_000
  return combine(before, after, (a, b) => (b - a) / seconds)
}

/**
 * What each of `count` operations costs.
 *
 * @param rest of a second, as of just before
 * @param act makes them, and says how many there were a second
 */
export async function costOf(
  watched: Watched,
  rest: Use,
  count: number,
  act: () => Promise<number>,
): Promise<Cost> {
  const [before, startedAt] = [await useOf(watched), performance.now()]
  const perSecond = await act()
  await settled(watched.deployment)
  const after = await useOf(watched)
  const seconds = (performance.now() - startedAt) / 1_000
  const used = combine(before, after, (a, b) => b - a)
  return { ...combine(used, rest, (all, aSecond) => (all - aSecond * seconds) / count), perSecond }
}

/** Of slices of one size. */
export function meanOf(costs: readonly Cost[]): Cost {
  const [first, ...others] = costs as readonly [Cost, ...Cost[]]
  const sum = others.reduce((all, each) => combine(all, each, (a, b) => a + b), first)
  return combine(sum, sum, (all) => all / costs.length)
}

async function useOf({ deployment, apis, workers, bench }: Watched): Promise<Use> {
  const services = [...apis, ...workers]
  const [redis, replicas] = await Promise.all([
    redisCounters(deployment.primaries),
    redisCounters(deployment.replicas),
  ])
  const logged = services.reduce((sum, service) => sum + logBytes(service), 0)
  const transferred = services.reduce((sum, { pid }) => sum + transferredBytes(pid), 0)
  return {
    redisUs: redis.processorUs,
    replicaUs: replicas.processorUs,
    apiUs: processorUs(apis.map(({ pid }) => pid)),
    workerUs: processorUs(workers.map(({ pid }) => pid)),
    benchUs: processorUs(bench),
    commands: redis.commands,
    wireBytes: redis.wireBytes,
    httpBytes: transferred - logged - redis.wireBytes,
    replicationBytes: redis.replicationBytes,
    diskBytes: redis.diskBytes,
    logBytes: logged,
  }
}

function processorUs(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + (processorMs(pid) ?? 0) * 1_000, 0)
}

/** Resolves when nothing is written any more: outcomes are, a moment after the last webhook has arrived. */
async function settled({ primaries }: Deployment): Promise<void> {
  let last = -1
  for (let looks = 0; looks < 20; looks += 1) {
    const { diskBytes } = await redisCounters(primaries)
    if (diskBytes === last) return
    last = diskBytes
    await sleep(50)
  }
}
