import type { FaultKind } from './fault-kinds.ts'
import type { Slot } from './fault-plan.ts'

/** What was broken in a run, and when. Instants are epoch milliseconds. */
export interface Broken {
  readonly faults: readonly FaultRun[]
  readonly closings: readonly Closing[]
  /** When the machine had no time for any of this. */
  readonly standstills: readonly Span[]
  /** When the nodes by themselves could not have served a shard, of each shard; none of a single Redis. */
  readonly unserved?: readonly (readonly Span[])[]
}

export interface Span {
  readonly from: number
  readonly to: number
}

/** A fault as it really happened: until everything was healed and running again. */
export interface FaultRun {
  readonly kind: FaultKind
  readonly slots: readonly Slot[]
  readonly from: number
  readonly to: number
  /** Shards that were served by what was broken; undefined where that is not asked. */
  readonly shards?: readonly number[]
  /** What came of it, for the reader. */
  readonly note?: string
  /** Of a stop in order. */
  readonly exitCode?: number | null
}

/** A time during which a door was closed. */
export interface Closing {
  readonly door: number
  readonly from: number
  readonly to: number
}
