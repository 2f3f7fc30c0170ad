import type { Cost } from '../cost.ts'
import type { ScaleFigures } from './scale-figures.ts'

/** What one thing costs, in microseconds of a core, and in bytes: what a plan is made of. */
export interface UnitCosts {
  readonly createRedisUs: number
  readonly createApiUs: number
  readonly fireRedisUs: number
  readonly fireWorkerUs: number
  /** Of a timer's whole life, between one replica's Redis and its primary, and on the disk of each. */
  readonly replicationBytes: number
  readonly diskBytes: number
  /** Between services and Redis, and between clients, services and receivers. */
  readonly wireBytes: number
  readonly httpBytes: number
  readonly logBytes: number
  readonly pendingBytes: number
  readonly firedBytes: number
  /** In a second, for each shard that a process looks after: its own time, and that of Redis. */
  readonly idleProcessUs: number
  readonly idleRedisUs: number
  /** For each timer that is moved, copied or rewritten, in milliseconds. */
  readonly moveMs: number
  readonly resyncMs: number
  /** For each GiB in memory, in milliseconds: the fork in which Redis stands still. */
  readonly forkMsPerGiB: number
}

/**
 * From what was measured under full load, on the dearest of the topologies: in a large installation a process talks to many
 * primaries, and less of what it says goes in one write.
 */
export function unitCostsOf(figures: ScaleFigures): UnitCosts {
  const { clusters, acks, idle, bulk } = figures
  const most = (of: (cluster: (typeof clusters)[number]) => number) => Math.max(...clusters.map(of))
  const acked = acks.at(-1)
  if (acked === undefined) throw new TypeError('nothing was measured with acks')
  const [few, many] = [idle[0], idle.at(-1)]
  if (few === undefined || many === undefined || few === many)
    throw new TypeError('idle workers were not measured')
  const perShard = (of: (cost: (typeof idle)[number]) => number) =>
    Math.max(0, (of(many) - of(few)) / (many.shards - few.shards))
  const both = (of: (cost: Cost) => number) => of(acked.create) + of(acked.fire)
  return {
    createRedisUs: most(({ create }) => create.redisUs),
    createApiUs: most(({ create }) => create.apiUs),
    fireRedisUs: most(({ fire }) => fire.redisUs),
    fireWorkerUs: most(({ fire }) => fire.workerUs),
    replicationBytes: both(({ replicationBytes }) => replicationBytes),
    diskBytes: most(({ create, fire }) => create.diskBytes + fire.diskBytes),
    wireBytes: most(({ create, fire }) => create.wireBytes + fire.wireBytes),
    httpBytes: most(({ create, fire }) => create.httpBytes + fire.httpBytes),
    logBytes: most(({ create, fire }) => create.logBytes + fire.logBytes),
    pendingBytes: bulk.bytesEach,
    firedBytes: most(({ firedBytes }) => firedBytes),
    idleProcessUs: perShard(({ workerUs }) => workerUs),
    idleRedisUs: perShard(({ redisUs }) => redisUs),
    moveMs: bulk.moveMs / bulk.timers,
    resyncMs: bulk.resyncMs / bulk.timers,
    forkMsPerGiB: (bulk.forkUs / 1_000 / (bulk.bytesEach * bulk.timers)) * 2 ** 30,
  }
}
