import type { RedisFigures, RedisNodeState, RedisReplica } from '@timers/core'
import type { Metrics } from './metrics.ts'

/**
 * The gauges of every Redis that holds timers, by its name. One that does not answer has `timers_redis_up` 0, its shards, and
 * no series of what it would have told.
 *
 * @param nodes as they were found at the last look: nothing is asked of Redis for a scrape
 */
export function createRedisNodeMetrics(metrics: Metrics, nodes: () => readonly RedisNodeState[]): void {
  const all = oncePerTurn(nodes)
  const ofNode = (name: string, help: string, read: (node: RedisNodeState) => number | undefined) =>
    metrics.gauges(name, help, ['node'], () =>
      all().flatMap((node) => {
        const value = read(node)
        return value === undefined ? [] : [{ labels: { node: node.name }, value }]
      }),
    )
  const told = (name: string, help: string, read: (figures: RedisFigures) => number | undefined) =>
    ofNode(name, help, ({ figures }) => figures && read(figures))
  const ofReplica = (name: string, help: string, read: (replica: RedisReplica) => number) =>
    metrics.gauges(name, help, ['node', 'replica'], () =>
      all().flatMap(({ name: node, figures }) =>
        (figures?.replicas ?? []).map((each) => ({
          labels: { node, replica: each.address },
          value: read(each),
        })),
      ),
    )

  ofNode('timers_redis_up', 'Whether the Redis can be reached and is safe to rely on', ({ ready }) =>
    ready === undefined ? undefined : Number(ready),
  )
  ofNode('timers_redis_shards', 'Shards that the Redis serves', ({ shards }) => shards)
  ofNode(
    'timers_redis_moving_slots',
    'Slots of a cluster on their way from or to the node',
    ({ movingSlots }) => movingSlots,
  )
  told('timers_redis_memory_used_bytes', 'used_memory', ({ memoryUsedBytes }) => memoryUsedBytes)
  told('timers_redis_memory_max_bytes', 'maxmemory, where it is set', ({ memoryMaxBytes }) => memoryMaxBytes)
  told('timers_redis_aof_enabled', 'Whether it has an append-only file', ({ aof }) => Number(aof.enabled))
  told('timers_redis_aof_last_write_ok', 'Whether the last write to that file came to the disk', ({ aof }) =>
    Number(aof.lastWriteOk),
  )
  told('timers_redis_aof_rewriting', 'Whether that file is being written anew', ({ aof }) =>
    Number(aof.rewriting),
  )
  told(
    'timers_redis_replicas',
    'Replicas that have caught up and follow',
    ({ replicas }) => replicas.filter(({ online }) => online).length,
  )
  ofReplica(
    'timers_redis_replica_lag_bytes',
    'What the Redis has written and its replica has not confirmed',
    ({ lagBytes }) => lagBytes,
  )
  ofReplica(
    'timers_redis_replica_lag_seconds',
    'Since the last sign of the replica',
    ({ lagSeconds }) => lagSeconds,
  )
}

/** All gauges are read in one turn of the event loop: what they are read from is asked for once. */
function oncePerTurn<T>(read: () => T): () => T {
  let found: { readonly value: T } | undefined
  return () => {
    if (found === undefined) {
      found = { value: read() }
      setImmediate(() => {
        found = undefined
      })
    }
    return found.value
  }
}
