import type { Cost } from '../cost.ts'
import type { Machine } from '../machine.ts'

/** What an idle worker process costs, in a second, by the number of shards. Processor time is in microseconds. */
export interface IdleCost {
  readonly shards: number
  readonly workerUs: number
  readonly redisUs: number
  readonly commands: number
}

/** What so many timers of one slot cost when they move, are copied to a new replica, and are written to a new file. */
export interface BulkCost {
  readonly timers: number
  /** Of a pending timer in a cluster. */
  readonly bytesEach: number
  /** From the slot's first step to its new owner. */
  readonly moveMs: number
  /** Longest answer to a create meanwhile, and how many were refused. */
  readonly longestCreateMs: number
  readonly refusedCreates: number
  /** A new replica, from its start until it is in step. */
  readonly resyncMs: number
  /** A rewrite of the append-only file: processor time of the child, the fork that stops Redis, and memory copied meanwhile. */
  readonly rewriteUs: number
  readonly forkUs: number
  readonly copiedBytes: number
}

/** Creates and fires under load, on one topology; medians of all repeats. */
export interface TopologyCost {
  readonly create: Cost
  readonly fire: Cost
  /** Fires at a steady rate, which is the same for each primary. */
  readonly steadyFire: Cost
  readonly steadyP99Ms: number
  /** Of a fired timer that is kept. */
  readonly firedBytes: number
}

export interface AckedCost {
  readonly create: Cost
  readonly fire: Cost
}

/** Steady fires a second for each primary. */
export const STEADY_PER_PRIMARY = 400

/** All that docs/scale.md is computed from. Written by `npm run bench -- --scale`. */
export interface ScaleFigures {
  readonly machine: Machine
  /** `2026-11-21` */
  readonly date: string
  readonly repeats: number
  /** A single Redis with one shard. */
  readonly single: TopologyCost
  /** A cluster of 1, 2 and 3 primaries. */
  readonly clusters: readonly TopologyCost[]
  /** One primary with a replica: by the number of replicas that are waited for, 0 and 1. */
  readonly acks: readonly AckedCost[]
  readonly idle: readonly IdleCost[]
  readonly bulk: BulkCost
}

/** What one measure contributes. */
export type ScalePart = Partial<Omit<ScaleFigures, 'machine' | 'date' | 'repeats'>>
