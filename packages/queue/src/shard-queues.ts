import type { Queue } from 'bullmq'
import { connectReader, type RedisOptions } from './connections.ts'
import { openQueue } from './open-queue.ts'
import { type RedisHealth, RedisMonitor } from './redis-monitor.ts'
import { allShardKeys, DEFAULT_PREFIX } from './shards.ts'

/** All shards as BullMQ queues, for looking at them. */
export interface ShardQueues {
  readonly queues: readonly Queue[]
  health(): RedisHealth
  /** Resolves when this process must not use this Redis (`SHARD_MISMATCH`). */
  readonly failed: Promise<Error>
  close(): Promise<void>
}

/** Opens every shard's queue for reading. Works also while Redis is away: calls fail until it is there. */
export function openShardQueues({
  redisUrl,
  shards,
  prefix = DEFAULT_PREFIX,
  log,
}: RedisOptions): ShardQueues {
  const reader = connectReader(redisUrl, log)
  const keys = allShardKeys(prefix, shards)
  const monitor = new RedisMonitor(reader, keys, log)
  const queues = keys.map((shard) => openQueue(reader, prefix, shard, log))
  return {
    queues,
    health: () => monitor.health(),
    failed: monitor.failed,
    close: async () => {
      monitor.stop()
      for (const queue of queues) queue.close().catch((error) => log.debug({ err: error }, 'queue close'))
      reader.disconnect()
    },
  }
}
