/**
 * Shards and their keys.
 *
 * A shard is one BullMQ queue. A timer's shard follows from its id: `(id - 1) % shards`. Every key of a shard carries
 * the hash tag `{shard}`, so that on Redis Cluster a shard lives whole in one slot, and all of a timer's scripts with it.
 *
 * Key names are short because every timer pays for its own: see docs/operations.md, memory.
 */
export const DEFAULT_PREFIX = 'timers'

export interface ShardKeys {
  readonly index: number
  /** Name of the BullMQ queue; with the prefix it makes every key of the shard. */
  readonly queueName: string
  /** Counter from which blocks of ids are taken. */
  readonly ids: string
  /** Number of shards that the data was made with; kept with the first shard only. */
  readonly shardCount: string
  /** Version of the form in which timers are kept; with the first shard only. */
  readonly format: string
  /** Due timers that are held back, by due time. */
  readonly held: string
  /** Any other key that BullMQ keeps for the queue: `wait`, `delayed`, `failed`, `t1`... */
  key(type: string): string
}

export function shardKeys(prefix: string, index: number): ShardKeys {
  const queueName = `{${index}}`
  const key = (type: string) => `${prefix}:${queueName}:${type}`
  return {
    index,
    queueName,
    ids: key('ids'),
    shardCount: key('shards'),
    format: key('format'),
    held: key('held'),
    key,
  }
}

export function allShardKeys(prefix: string, shards: number): ShardKeys[] {
  return Array.from({ length: shards }, (_, index) => shardKeys(prefix, index))
}

/** The shard of a timer. */
export function shardOf(id: number, shards: number): number {
  return (id - 1) % shards
}

/** The id of the `sequence`-th timer (1 for the first) of a shard: shards share out the integers among them. */
export function idInShard(sequence: number, shard: number, shards: number): number {
  return (sequence - 1) * shards + shard + 1
}

/** BullMQ forbids plain integers as job ids; `t` before them also keeps clear of its own key names. */
export function jobIdOf(id: number): string {
  return `t${id}`
}

export function timerIdOf(jobId: string): number {
  return Number(jobId.slice(1))
}
