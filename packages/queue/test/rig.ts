import type { AttemptResult, Callback, Log, TimerDraft } from '@timers/core'
import { eventually, startTestRedis, type TestRedis, type TestRedisOptions } from '@timers/lab'
import { Queue, Worker } from 'bullmq'
import { Redis } from 'ioredis'
import {
  createTimerConsumer,
  type TimerConsumer,
  type TimerConsumerOptions,
} from '../src/consumer/timer-consumer.ts'
import { jobIdOf, type ShardKeys, shardKeys, timerIdOf } from '../src/shards/shard-keys.ts'
import { ClientCommands } from '../src/timers/client-commands.ts'
import { RedisDueTimer } from '../src/timers/due-timer.ts'
import { TimerCommands } from '../src/timers/timer-commands.ts'
import { createRedisTimerStore, type RedisTimerStore } from '../src/timers/timer-store.ts'
import { logInto, type Said } from './said.ts'

/** A due timer in the hands of a worker that does only what the test says. */
export interface Hand {
  readonly due: RedisDueTimer
  readonly id: number
  readonly token: string
}

export interface StoreOptions {
  readonly shards?: number
  readonly redisUrl?: string
  readonly events?: Callback
}

/** A Redis, and what works on it; everything that it hands out is closed with it. */
export class Rig {
  readonly prefix = 'test'
  readonly redis: TestRedis
  /** For looking into Redis, and for doing what other processes would do. */
  readonly client: Redis
  readonly commands: TimerCommands
  readonly clients: ClientCommands
  readonly said: Said[] = []
  readonly log: Log = logInto(this.said)
  readonly #closers: (() => Promise<unknown> | unknown)[] = []
  #hands = 0

  static async start(options: TestRedisOptions = {}): Promise<Rig> {
    return new Rig(await startTestRedis(options))
  }

  private constructor(redis: TestRedis) {
    this.redis = redis
    this.client = new Redis(redis.url, { maxRetriesPerRequest: null, retryStrategy: () => 50 })
    this.client.on('error', () => {})
    this.commands = new TimerCommands(this.client, this.keys())
    this.clients = new ClientCommands(this.client, this.keys())
  }

  /** Empties Redis, and closes what the last test opened. */
  async reset(): Promise<void> {
    for (const close of this.#closers.splice(0).reverse()) await close()
    this.said.length = 0
    await this.redis.flush()
  }

  async close(): Promise<void> {
    for (const close of this.#closers.splice(0).reverse()) await close()
    this.client.disconnect()
    await this.redis.stop()
  }

  onClose(close: () => Promise<unknown> | unknown): void {
    this.#closers.push(close)
  }

  heard(message: RegExp): Said | undefined {
    return this.said.find((said) => message.test(said.message))
  }

  keys(shard = 0): ShardKeys {
    return shardKeys(this.prefix, shard)
  }

  /** A store that is on its way to Redis. */
  newStore({ shards = 1, redisUrl = this.redis.url, events }: StoreOptions = {}): RedisTimerStore {
    const store = createRedisTimerStore({ redisUrl, shards, events, prefix: this.prefix, log: this.log })
    this.onClose(() => store.close())
    return store
  }

  /** A store that has found its Redis. */
  async store(options: StoreOptions = {}): Promise<RedisTimerStore> {
    const store = this.newStore(options)
    await eventually(() => expect(store.health().ready).toBe(true))
    return store
  }

  newConsumer(options: Partial<TimerConsumerOptions> & Pick<TimerConsumerOptions, 'handle'>): TimerConsumer {
    const consumer = createTimerConsumer({
      redisUrl: this.redis.url,
      shards: 1,
      prefix: this.prefix,
      log: this.log,
      concurrency: 4,
      retentionDays: 30,
      ...options,
    })
    this.onClose(() => consumer.stop())
    return consumer
  }

  async consumer(options: Parameters<Rig['newConsumer']>[0]): Promise<TimerConsumer> {
    const consumer = this.newConsumer(options)
    await consumer.start()
    return consumer
  }

  hash(id: number, shard = 0): Promise<Record<string, string>> {
    return this.client.hgetall(this.keys(shard).key(jobIdOf(id)))
  }

  /** Takes the next due timer as a worker does. Its lock is never renewed. */
  async take(lockMs = 60_000): Promise<Hand> {
    const worker = new Worker(this.keys().queueName, undefined, {
      connection: this.client,
      prefix: this.prefix,
      autorun: false,
      lockDuration: lockMs,
      skipVersionCheck: true,
    })
    worker.on('error', () => {})
    this.onClose(() => worker.close(true))
    this.#hands += 1
    const token = `hand-${this.#hands}`
    const job = await eventually(async () => {
      const next = await worker.getNextJob(token, { block: false })
      if (next === undefined) throw new Error('no timer is due')
      return next
    })
    const id = timerIdOf(String(job.id))
    return { id, token, due: await this.due(id, token) }
  }

  /** A due timer in the hands of the one whose token it is. */
  async due(id: number, token: string, commands = this.commands): Promise<RedisDueTimer> {
    return new RedisDueTimer({ id, hash: await this.hash(id), token }, commands, this.log)
  }

  /** What the stalled check does with a job whose lock has run out: the next one who asks gets it. */
  async stall({ id: timerId }: Pick<Hand, 'id'>): Promise<void> {
    const id = jobIdOf(timerId)
    await this.client.hincrby(this.keys().key(id), 'stc', 1)
    await this.client.del(this.keys().key(`${id}:lock`))
    await this.client.lrem(this.keys().key('active'), 1, id)
    await this.client.rpush(this.keys().key('wait'), id)
  }

  /** The queue as an operator's tools have it. */
  queue(): Queue {
    const queue = new Queue(this.keys().queueName, { connection: this.client, prefix: this.prefix })
    queue.on('error', () => {})
    this.onClose(() => queue.close())
    return queue
  }

  /** In which of BullMQ's lists and sets the job is. */
  async places(id: number): Promise<string[]> {
    const jobId = jobIdOf(id)
    const found: string[] = []
    for (const list of ['wait', 'active']) {
      if ((await this.client.lpos(this.keys().key(list), jobId)) !== null) found.push(list)
    }
    for (const set of ['delayed', 'completed', 'failed']) {
      if ((await this.client.zscore(this.keys().key(set), jobId)) !== null) found.push(set)
    }
    return found
  }
}

export const draft = (delayMs: number, url = 'https://receiver.example/hook'): TimerDraft => ({
  url,
  delayMs,
})

export const delivered = (at = Date.now()): AttemptResult => ({
  outcome: 'delivered',
  sentAt: at,
  responseStatus: 200,
})

export const fired = { kind: 'final', status: 'fired' } as const
export const unknown = { kind: 'final', status: 'unknown' } as const
