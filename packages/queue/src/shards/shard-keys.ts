/**
 * Shards and their keys.
 *
 * A shard is one BullMQ queue. A timer's shard follows from its id (layouts.ts). Every key of a shard carries
 * the hash tag `{shard}`, so that on Redis Cluster a shard lives whole in one slot, and all of a timer's scripts with it.
 *
 * Key names are short because every timer pays for its own: see docs/operations.md, memory.
 *
 * Beside BullMQ's own, a shard has these; each is there only while something is in it:
 *
 * | key                   | what                                                                             |
 * | --------------------- | -------------------------------------------------------------------------------- |
 * | `held`                | due timers that are held back, by due time                                       |
 * | `retries`             | timers that wait for a retry or a redrive, by due time                           |
 * | `finished`            | a list of all ends, oldest first: `<job id>:<epoch ms>`                          |
 * | `finished:completed`, `finished:failed` | the same, of those that ended before format 3                 |
 * | `cancelled`           | of the completed ones those that were cancelled, by due time                     |
 * | `unknown`, `expired`  | of the failed ones those, by due time                                            |
 * | `outbox`              | callbacks that were not delivered (yet)                                          |
 * | `undelivered`         | of these the ones that never will be by themselves                               |
 * | `labels`              | a set of the label indexes that exist                                            |
 * | `l:<owner>:<label>`   | unfinished timers with the label, by due time; the default owner is empty        |
 * | `k:<owner>:<key>`     | job id of the newest timer with that key of its own                              |
 * | `i:<digest>`          | job id of the timer that was created under that idempotency key                  |
 * | `guards`              | digests whose `i:` speaks of a timer in another shard (timers/guards.ts)         |
 * | `ids`, `ids:<layout>` | the last number that was taken for an id, in the first and in each later layout   |
 * | `ids:by`              | in which replication the server was when numbers last jumped (lua/includes/mint.lua) |
 * | `ids:end`             | where numbers end, while shards are being added (growth.ts)                      |
 * | `layout`              | the layout that the shard follows, `<number>:<from>:<shards>`, but for the first  |
 *
 * All sets are sorted by epoch ms (BullMQ's `delayed` by that * 4096). Where a timer in `delayed` is not there with its
 * due time, it is in `held` or `retries` too.
 */
export const DEFAULT_PREFIX = 'timers'

export interface ShardKeys {
  readonly index: number
  /** `<index>:<number of shards of the first layout>`: what a script needs to make an id of this shard. */
  readonly layout: string
  /** Name of the BullMQ queue; with the prefix it makes every key of the shard. */
  readonly queueName: string
  /** Number of shards that the data was made with: those of the first layout; kept with the first shard only. */
  readonly shardCount: string
  /** The later layouts, where shards were added; kept with the first shard only. */
  readonly layouts: string
  /** Version of the form in which timers are kept; with the first shard only. */
  readonly format: string
  /** Due timers that are held back, by due time. */
  readonly held: string
  /**
   * Any other key: those that BullMQ keeps for the queue (`wait`, `active`, `delayed`, `completed`, `failed`, `t1`...), and
   * ours.
   */
  key(type: string): string
}

/** @param shards how many there were in the first layout: known for sure when Redis was asked */
export function shardKeys(prefix: string, index: number, shards: () => number = () => 1): ShardKeys {
  const queueName = `{${index}}`
  const key = (type: string) => `${prefix}:${queueName}:${type}`
  return {
    index,
    get layout() {
      return `${index}:${shards()}`
    },
    queueName,
    shardCount: key('shards'),
    layouts: key('layouts'),
    format: key('format'),
    held: key('held'),
    key,
  }
}

/** BullMQ forbids plain integers as job ids; `t` before them also keeps clear of its own key names. */
export function jobIdOf(id: number): string {
  return `t${id}`
}

export function timerIdOf(jobId: string): number {
  return Number(jobId.slice(1))
}

/** Name of the key that leads to the newest timer with a key of its own. */
export function keyRef(owner: string, key: string): string {
  return `k:${owner}:${key}`
}
