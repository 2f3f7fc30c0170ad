export type { RedisFigures, RedisNodeState } from '@timers/core'
export {
  createTimerConsumer,
  type TimerConsumer,
  type TimerConsumerOptions,
} from './consumer/timer-consumer.ts'
export { openShardQueues, type ShardQueues } from './index/shard-queues.ts'
export type { RedisHealth } from './nodes/redis-monitor.ts'
export type { NodeShards, ShardSpread } from './nodes/shard-spread.ts'
export { type Restored, RestoreRefused, restoreTimers } from './restore/restore.ts'
export { addShards, type ShardsView, viewShards } from './shards/add-shards.ts'
export { GrowthRefused } from './shards/growth.ts'
export type { RedisOptions } from './shards/shards.ts'
export { createRedisTimerStore, type RedisTimerStore } from './timers/timer-store.ts'
