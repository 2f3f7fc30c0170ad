import { MOST_SHARDS } from '@timers/core'
import type { UnitCosts } from './unit-costs.ts'

const HOUR_SECONDS = 3_600
const MONTH_HOURS = 730
const GIB = 2 ** 30
/** Fewer cannot elect a successor. */
const FEWEST_PRIMARIES = 3
/** Of a process of Node.js, measured by `npm run bench -- --only memory`. */
const PROCESS_GIB = 0.25

/** What is asked of an installation. */
export interface Demand {
  readonly perSecond: number
  readonly pending: number
  /** How long fired timers are kept. */
  readonly keptSeconds: number
}

/** What the planner decides, or pays. */
export interface Assumptions {
  /** Of what a process could do at most, how much it is given. */
  readonly load: number
  readonly replicas: number
  /** Most timers' data in one Redis: twice that is provided, for the fork of a rewrite and for buffers. */
  readonly nodeGiB: number
  /** Most timers in one shard: that long its slot stands still when it moves. */
  readonly shardTimers: number
  /** How long receivers take to answer, on average. */
  readonly receiverMs: number
  readonly coreHour: number
  readonly memoryGiBMonth: number
  readonly diskGiBMonth: number
}

export const ASSUMPTIONS: Assumptions = {
  load: 0.5,
  replicas: 1,
  nodeGiB: 16,
  shardTimers: 2_000_000,
  receiverMs: 100,
  coreHour: 0.04,
  memoryGiBMonth: 3,
  diskGiBMonth: 0.1,
}

export interface Plan {
  readonly primaries: number
  /** What asks for so many primaries. */
  readonly because: 'processor' | 'memory' | 'quorum'
  readonly redisNodes: number
  readonly shards: number
  readonly apis: number
  readonly workers: number
  /** Webhooks in flight in one worker process. */
  readonly hands: number
  /** Of timers, pending and kept, in all primaries together. */
  readonly dataGiB: number
  readonly nodeDataGiB: number
  readonly connectionsPerPrimary: number
  /** Of a primary, in a second. */
  readonly wireMB: number
  readonly replicationMB: number
  readonly diskMB: number
  /** Of all services together, in a second. */
  readonly httpMB: number
  readonly logMB: number
  /** Of a primary's core, how much goes to processes that only look. */
  readonly lookingShare: number
  /** Of a worker's core, how much goes to shards in which nothing is due. */
  readonly idleShare: number
  readonly resyncSeconds: number
  readonly slotStallSeconds: number
  readonly forkMs: number
  readonly cores: number
  readonly memoryGiB: number
  readonly diskGiB: number
  readonly money: { readonly cores: number; readonly memory: number; readonly disk: number }
  /** For a million timers from create to fire. */
  readonly moneyPerMillion: number
}

/** What it takes. Pure. Every process has a core of its own. */
export function planFor(demand: Demand, costs: UnitCosts, assumptions = ASSUMPTIONS): Plan {
  const { perSecond, pending, keptSeconds } = demand
  const { load, replicas, nodeGiB, shardTimers, receiverMs } = assumptions
  const kept = perSecond * keptSeconds
  const dataGiB = (pending * costs.pendingBytes + kept * costs.firedBytes) / GIB
  const usable = 1e6 * load
  const apis = atLeastTwo((perSecond * costs.createApiUs) / usable)

  // More primaries want more shards, which cost workers and Redis more to look after: until it stands still.
  let [primaries, shards, workers] = [1, 1, 2]
  for (let settled = false; !settled; ) {
    const looking = (apis + workers) * shards * costs.idleRedisUs
    const busy = perSecond * (costs.createRedisUs + costs.fireRedisUs) + looking
    const next = Math.max(primaries, Math.ceil(busy / usable), Math.ceil(dataGiB / nodeGiB))
    const wanted = next === 1 ? 1 : Math.max(FEWEST_PRIMARIES, next)
    const spread = shardsFor(wanted, (pending + kept) / shardTimers)
    // Where shards alone would fill a worker, the plan says so (`idleShare`), and still comes to an end.
    const left = Math.max(usable / 4, usable - spread * costs.idleProcessUs)
    const more = Math.max(workers, atLeastTwo((perSecond * costs.fireWorkerUs) / left))
    settled = wanted === primaries && spread === shards && more === workers
    ;[primaries, shards, workers] = [wanted, spread, more]
  }

  const byMemory = Math.ceil(dataGiB / nodeGiB)
  const nodeDataGiB = dataGiB / primaries
  const redisNodes = primaries * (1 + replicas)
  const cores = redisNodes + apis + workers
  const memoryGiB = 2 * dataGiB * (1 + replicas) + (apis + workers) * PROCESS_GIB
  // The file doubles before it is rewritten, and the new one stands beside the old one.
  const diskGiB = 3 * dataGiB * (1 + replicas)
  const money = {
    cores: cores * assumptions.coreHour * MONTH_HOURS,
    memory: memoryGiB * assumptions.memoryGiBMonth,
    disk: diskGiB * assumptions.diskGiBMonth,
  }
  const ofPrimary = (bytes: number) => (perSecond * bytes) / primaries / 1e6
  return {
    primaries,
    because: byMemory >= primaries ? 'memory' : primaries <= FEWEST_PRIMARIES ? 'quorum' : 'processor',
    redisNodes,
    shards,
    apis,
    workers,
    hands: Math.ceil((perSecond * receiverMs) / 1_000 / workers),
    dataGiB,
    nodeDataGiB,
    // Each process: one that reads and one that writes; each worker: one more for each shard, which waits (ADR 15).
    connectionsPerPrimary: Math.ceil(2 * (apis + workers) + (workers * shards) / primaries),
    wireMB: ofPrimary(costs.wireBytes),
    replicationMB: ofPrimary(costs.replicationBytes) * replicas,
    diskMB: ofPrimary(costs.diskBytes),
    httpMB: (perSecond * costs.httpBytes) / 1e6,
    logMB: (perSecond * costs.logBytes) / 1e6,
    lookingShare: ((apis + workers) * shards * costs.idleRedisUs) / primaries / 1e6,
    idleShare: (shards * costs.idleProcessUs) / 1e6,
    resyncSeconds: (((pending + kept) / primaries) * costs.resyncMs) / 1_000,
    slotStallSeconds: (((pending + kept) / shards) * costs.moveMs) / 1_000,
    forkMs: nodeDataGiB * costs.forkMsPerGiB,
    cores,
    memoryGiB,
    diskGiB,
    money,
    moneyPerMillion:
      ((money.cores + money.memory + money.disk) / (perSecond * MONTH_HOURS * HOUR_SECONDS)) * 1e6,
  }
}

/** One may be lost, or be replaced. */
function atLeastTwo(processes: number): number {
  return Math.max(2, Math.ceil(processes))
}

/** Four for each primary, so that they can be evened out, or as many as the most timers of a shard ask for. */
function shardsFor(primaries: number, fewest: number): number {
  if (primaries === 1 && fewest <= 1) return 1
  return Math.min(MOST_SHARDS, Math.max(4 * primaries, Math.ceil(fewest)))
}
