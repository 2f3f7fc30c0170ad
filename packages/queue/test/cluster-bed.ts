import type { Log } from '@timers/core'
import { eventually, startTestCluster, type TestCluster, type TestClusterOptions } from '@timers/lab'
import {
  createTimerConsumer,
  type TimerConsumer,
  type TimerConsumerOptions,
} from '../src/consumer/timer-consumer.ts'
import { type ShardKeys, shardKeys } from '../src/shards/shard-keys.ts'
import { createRedisTimerStore, type RedisTimerStore } from '../src/timers/timer-store.ts'
import { logInto, type Said } from './said.ts'

/** Enough for each of three primaries to have some. */
export const SHARDS = 16

export interface BedOptions extends TestClusterOptions {
  /** How many replicas must have what its stores and consumers write. */
  readonly replicaAcks?: number
}

/** A cluster, and stores and consumers on it; everything that it hands out is closed with it. */
export class ClusterBed {
  readonly cluster: TestCluster
  readonly said: Said[] = []
  readonly log: Log = logInto(this.said)
  readonly #closers: (() => Promise<unknown>)[] = []

  readonly #replicaAcks: number

  static async start({ replicaAcks = 0, ...options }: BedOptions = {}): Promise<ClusterBed> {
    return new ClusterBed(await startTestCluster(options), replicaAcks)
  }

  private constructor(cluster: TestCluster, replicaAcks: number) {
    this.cluster = cluster
    this.#replicaAcks = replicaAcks
  }

  /** Closes what the last test opened, and empties the cluster. */
  async reset(): Promise<void> {
    await this.#closeAll()
    await this.cluster.redis.flush()
    this.said.length = 0
  }

  async close(): Promise<void> {
    await this.#closeAll()
    await this.cluster.stop()
  }

  async #closeAll(): Promise<void> {
    for (const close of this.#closers.splice(0).reverse()) await close()
  }

  onClose(close: () => Promise<unknown>): void {
    this.#closers.push(close)
  }

  /** What the log says at these levels. */
  heard(...levels: readonly (keyof Log)[]): string[] {
    return this.said.filter(({ level }) => levels.includes(level)).map(({ message }) => message)
  }

  newStore(redisUrl = this.cluster.url, shards = SHARDS): RedisTimerStore {
    const store = createRedisTimerStore({ redisUrl, shards, replicaAcks: this.#replicaAcks, log: this.log })
    this.onClose(() => store.close())
    return store
  }

  /** A store that has found all of its nodes. */
  async store(shards = SHARDS): Promise<RedisTimerStore> {
    const store = this.newStore(this.cluster.url, shards)
    await eventually(() => expect(store.health()).toMatchObject({ ready: true, problems: [] }), {
      timeoutMs: 20_000,
    })
    return store
  }

  newConsumer(options: Partial<TimerConsumerOptions> & Pick<TimerConsumerOptions, 'handle'>): TimerConsumer {
    const consumer = createTimerConsumer({
      redisUrl: this.cluster.url,
      shards: SHARDS,
      replicaAcks: this.#replicaAcks,
      log: this.log,
      concurrency: 64,
      retentionDays: 30,
      ...options,
    })
    this.onClose(() => consumer.stop())
    return consumer
  }

  async consumer(options: Parameters<ClusterBed['newConsumer']>[0]): Promise<TimerConsumer> {
    const consumer = this.newConsumer(options)
    await consumer.start()
    return consumer
  }
}

/** The shard of a timer, of `SHARDS`. */
export const shardOfTimer = (id: number): number => (id - 1) % SHARDS

export const keysOfShards: readonly ShardKeys[] = Array.from({ length: SHARDS }, (_, index) =>
  shardKeys('timers', index),
)
