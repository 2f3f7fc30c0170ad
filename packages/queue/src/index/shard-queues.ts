import type { RedisNodeState } from '@timers/core'
import type { Queue } from 'bullmq'
import { errorFields } from '../nodes/error-fields.ts'
import type { RedisHealth } from '../nodes/redis-monitor.ts'
import type { ShardSpread } from '../nodes/shard-spread.ts'
import { DEFAULT_PREFIX } from '../shards/shard-keys.ts'
import { type RedisOptions, Shards } from '../shards/shards.ts'
import { openBullConnections } from './bull-connections.ts'
import { openQueue } from './open-queue.ts'

/** All shards as BullMQ queues, for looking at them. */
export interface ShardQueues {
  /** As many as there are shards now. */
  readonly queues: readonly Queue[]
  /** Called when there are others than before. */
  onChange(listener: () => void): void
  /** Whether the server of a shard answers, by the shard's index. */
  answers(shard: number): boolean
  health(): RedisHealth
  /** The servers that hold the timers, as they were found at the last look. */
  nodes(): readonly RedisNodeState[]
  /** Which shards each primary has; undefined until that is known. */
  shardsPerNode(): ShardSpread | undefined
  /** Resolves when this process must not use this Redis (`WRONG_REDIS`, `DATA_TOO_NEW`). */
  readonly failed: Promise<Error>
  close(): Promise<void>
}

/** Opens every shard's queue for reading. Works also while Redis is away: calls fail until it is there. */
export function openShardQueues(options: RedisOptions): ShardQueues {
  const { prefix = DEFAULT_PREFIX, log, redisUrl, redisCaFile: caFile } = options
  const shards = new Shards(options, { changes: false })
  const connections = openBullConnections(redisUrl, { log, caFile })
  const opened: Queue[] = []
  const queuesOf = (all: Shards['all']) => {
    for (const shard of all.slice(opened.length)) {
      opened.push(openQueue(connections.of(shard), prefix, shard.keys, log))
    }
    return opened.slice(0, all.length)
  }
  return {
    get queues() {
      return queuesOf(shards.all)
    },
    onChange: (listener) => shards.onChange(listener),
    answers: (shard) => shards.all[shard]?.verified ?? false,
    health: () => shards.health(),
    nodes: () => shards.nodeStates(),
    shardsPerNode: () => shards.perNode(),
    failed: shards.failed,
    close: async () => {
      for (const queue of opened) {
        queue.close().catch((error) => log.debug(errorFields(error), 'queue close'))
      }
      connections.close()
      shards.close()
    },
  }
}
