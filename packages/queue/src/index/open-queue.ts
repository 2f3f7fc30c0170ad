import type { Log } from '@timers/core'
import { Queue } from 'bullmq'
import type { Cluster, Redis } from 'ioredis'
import { errorFields } from '../nodes/error-fields.ts'
import type { ShardKeys } from '../shards/shard-keys.ts'

/** A queue that never waits for a connection, and works also when it was opened while Redis was away. */
export function openQueue(connection: Redis | Cluster, prefix: string, shard: ShardKeys, log: Log): Queue {
  const queue = new Queue(shard.queueName, {
    connection,
    prefix,
    skipVersionCheck: true,
    skipWaitingForReady: true,
    // The monitor writes what is needed of it.
    skipMetasUpdate: true,
  })
  // The connection's own listeners say what there is to say.
  queue.on('error', (error) => log.debug(errorFields(error), 'queue error'))
  return queue
}
