import type { RedisFigures, RedisNodeState } from '@timers/core'
import { createMetrics } from './metrics.ts'
import { createRedisNodeMetrics } from './redis-node-metrics.ts'

const FIGURES: RedisFigures = {
  version: '7.0.15',
  memoryUsedBytes: 1_000,
  memoryMaxBytes: undefined,
  aof: { enabled: true, lastWriteOk: true, rewriting: false },
  replicas: [
    { address: 'r:1', online: true, lagBytes: 20, lagSeconds: 1 },
    { address: 'r:2', online: false, lagBytes: 900, lagSeconds: 7 },
  ],
}

describe('createRedisNodeMetrics', () => {
  let nodes: readonly RedisNodeState[]
  const metrics = createMetrics('api')
  let reads = 0
  createRedisNodeMetrics(metrics, () => {
    reads += 1
    return nodes
  })
  async function samples(): Promise<string[]> {
    // A scrape is a request of its own: never in the turn of another one.
    await new Promise(setImmediate)
    const lines = (await metrics.registry.metrics()).split('\n')
    return lines
      .filter((line) => line.startsWith('timers_redis_'))
      .map((line) => line.replace(',service="api"', ''))
  }

  const away: RedisNodeState = { name: 'b:1', ready: false, shards: 2, movingSlots: 0, figures: undefined }

  test('tells of each node; of one that is away only that it is, and what hangs on it', async () => {
    nodes = [{ name: 'a:1', ready: true, shards: 4, movingSlots: 1, figures: FIGURES }, away]
    expect(await samples()).toEqual([
      'timers_redis_up{node="a:1"} 1',
      'timers_redis_up{node="b:1"} 0',
      'timers_redis_shards{node="a:1"} 4',
      'timers_redis_shards{node="b:1"} 2',
      'timers_redis_moving_slots{node="a:1"} 1',
      'timers_redis_moving_slots{node="b:1"} 0',
      'timers_redis_memory_used_bytes{node="a:1"} 1000',
      'timers_redis_aof_enabled{node="a:1"} 1',
      'timers_redis_aof_last_write_ok{node="a:1"} 1',
      'timers_redis_aof_rewriting{node="a:1"} 0',
      'timers_redis_replicas{node="a:1"} 1',
      'timers_redis_replica_lag_bytes{node="a:1",replica="r:1"} 20',
      'timers_redis_replica_lag_bytes{node="a:1",replica="r:2"} 900',
      'timers_redis_replica_lag_seconds{node="a:1",replica="r:1"} 1',
      'timers_redis_replica_lag_seconds{node="a:1",replica="r:2"} 7',
    ])
  })

  test('a scrape asks once, however many gauges there are', async () => {
    reads = 0
    await samples()
    expect(reads).toBe(1)
  })

  test('a node that serves no shard any more leaves no series behind', async () => {
    nodes = [away]
    expect(await samples()).toEqual([
      'timers_redis_up{node="b:1"} 0',
      'timers_redis_shards{node="b:1"} 2',
      'timers_redis_moving_slots{node="b:1"} 0',
    ])
  })
})
