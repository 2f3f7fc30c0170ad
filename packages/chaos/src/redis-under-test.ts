import type { Environment, RedisReply } from '@timers/lab'
import type { Span } from './broken.ts'
import type { PlannedFault, Slot } from './fault-plan.ts'
import type { Line } from './network.ts'
import type { FaultOutcome } from './service-slot.ts'

/** What the timers lie in: what the services are told of it, the ways to it, and how it is broken. */
export interface RedisUnderTest {
  /** How many there are at the moment. */
  readonly shards: number
  /** The shard of a timer; undefined where its id alone does not tell. */
  shardOf(id: number): number | undefined
  /** Ends that nobody here asked for, and what did not heal. */
  readonly crashes: readonly string[]
  /** Settings with which a process finds it. */
  envOf(slot: Slot): Environment
  /** The ways of a process to all nodes, or to the one that a number in [0, 1) stands for. */
  waysOf(slot: Slot, node?: number): readonly Line[]
  /** Does a fault of the lanes `redis`, `rewrite` and `shards`, and heals it. */
  play(fault: PlannedFault): Promise<FaultOutcome>
  /** Sends a command to whoever has the key in it: `EVAL script 1 key ...`. */
  command(...words: string[]): Promise<RedisReply>
  /** Times in which it could not have served a shard, by itself, of each shard; none where nobody looks. */
  readonly unserved: readonly (readonly Span[])[]
  /** For how long it could not have served a timer between two instants, in milliseconds; undefined where nobody looks. */
  unservedMs(id: number, from: number, to: number): number | undefined
  /** Resolves when all of it runs as it should. */
  heal(): Promise<void>
  saveLogs(folder: string): Promise<void>
  close(): Promise<void>
}
