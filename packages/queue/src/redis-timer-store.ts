import {
  type Log,
  type Timer,
  type TimerDraft,
  TimerError,
  type TimerRecord,
  type TimerStore,
} from '@timers/core'
import type { Queue } from 'bullmq'
import type { Redis } from 'ioredis'
import { ANSWER_TIMEOUT_MS, connectProducer, connectReader, type RedisOptions } from './connections.ts'
import { Fence } from './fence.ts'
import { IdAllocator } from './id-allocator.ts'
import { openQueue } from './open-queue.ts'
import { type RedisHealth, RedisMonitor } from './redis-monitor.ts'
import { allShardKeys, DEFAULT_PREFIX, idInShard, jobIdOf, type ShardKeys, shardOf } from './shards.ts'
import { toData, toRecord, toTimer } from './stored-timer.ts'

/** Name of every job. Short: each timer carries it. */
const JOB_NAME = 't'

/** Answers with which Redis says that it did not do what it was asked. */
const REFUSALS =
  /^(OOM|MISCONF|READONLY|LOADING|NOREPLICAS|CLUSTERDOWN|BUSY|MASTERDOWN|TRYAGAIN|NOPERM|WRONGTYPE)/

export interface RedisTimerStore extends TimerStore {
  /** Begins to connect. Resolves at once, also while Redis is away. */
  start(): Promise<void>
  health(): RedisHealth
  /** Resolves when this process must not use this Redis (`SHARD_MISMATCH`). */
  readonly failed: Promise<Error>
  close(): Promise<void>
}

/** The timer store of the API: creates and reads timers. Never waits longer than two seconds for Redis. */
export function createRedisTimerStore(options: RedisOptions): RedisTimerStore {
  return new BullTimerStore(options)
}

interface Shard {
  readonly keys: ShardKeys
  readonly queue: Queue
  readonly ids: IdAllocator
}

class BullTimerStore implements RedisTimerStore {
  readonly failed: Promise<Error>
  readonly #producer: Redis
  readonly #reader: Redis
  readonly #fence: Fence
  readonly #monitor: RedisMonitor
  readonly #shards: readonly Shard[]
  readonly #log: Log
  #turn = 0
  /** How often the connection that creates was lost. */
  #losses = 0

  constructor({ redisUrl, shards, prefix = DEFAULT_PREFIX, log }: RedisOptions) {
    this.#log = log
    this.#producer = connectProducer(redisUrl, log)
    this.#producer.on('close', () => {
      this.#losses += 1
    })
    this.#reader = connectReader(redisUrl, log)
    this.#fence = new Fence(this.#producer)
    const keys = allShardKeys(prefix, shards)
    this.#monitor = new RedisMonitor(this.#reader, keys, log)
    this.failed = this.#monitor.failed
    this.#shards = keys.map((shard) => ({
      keys: shard,
      ids: new IdAllocator(this.#producer, shard),
      queue: openQueue(this.#producer, prefix, shard, log),
    }))
  }

  async start(): Promise<void> {}

  async create(draft: TimerDraft): Promise<Timer> {
    if (!this.#monitor.verified) throw unavailable()
    return withinAnswerTime(this.#create(draft))
  }

  async #create(draft: TimerDraft): Promise<Timer> {
    const shard = this.#shards[this.#turn] as Shard
    this.#turn = (this.#turn + 1) % this.#shards.length
    const losses = this.#losses
    try {
      const id = idInShard(await shard.ids.next(), shard.keys.index, this.#shards.length)
      const job = await shard.queue.add(JOB_NAME, toData(draft), { jobId: jobIdOf(id), delay: draft.delayMs })
      return toTimer(job)
    } catch (error) {
      const failure = toTimerError(error)
      // Sent again because its reply was lost, and refused only then: the first may have stored the timer.
      if (failure.code === 'STORE_REFUSED' && this.#losses !== losses) throw unavailable(error)
      throw failure
    }
  }

  async find(id: number): Promise<TimerRecord | undefined> {
    if (!Number.isSafeInteger(id) || id < 1) return undefined
    if (!this.#monitor.verified) throw unavailable()
    const { keys } = this.#shards[shardOf(id, this.#shards.length)] as Shard
    try {
      return toRecord(id, await this.#reader.hgetall(keys.key(jobIdOf(id))))
    } catch (error) {
      throw toTimerError(error)
    }
  }

  async redrive(id: number): Promise<TimerRecord | undefined> {
    if (!this.#monitor.verified) throw unavailable()
    const { keys } = this.#shards[shardOf(id, this.#shards.length)] as Shard
    try {
      const outcome = await this.#fence.redrive(keys, id, Date.now())
      if (outcome === 'refused') {
        throw new TimerError(
          'NOT_REDRIVABLE',
          'only a timer whose status is failed or unknown can be sent again',
        )
      }
    } catch (error) {
      throw toTimerError(error)
    }
    return this.find(id)
  }

  /** Both connections must stand: the one that reads, which is verified, and the one that creates. */
  health(): RedisHealth {
    const health = this.#monitor.health()
    if (!health.ready || this.#producer.status === 'ready') return health
    return { ...health, ready: false, problems: ['Redis cannot be reached for creating timers'] }
  }

  async close(): Promise<void> {
    this.#monitor.stop()
    // Not awaited: BullMQ's close waits for a connection that may never come.
    for (const { queue } of this.#shards)
      queue.close().catch((error) => this.#log.debug({ err: error }, 'queue close'))
    this.#producer.disconnect()
    this.#reader.disconnect()
  }
}

function toTimerError(error: unknown): TimerError {
  if (error instanceof TimerError) return error
  if (error instanceof Error && REFUSALS.test(error.message)) {
    return new TimerError('STORE_REFUSED', 'Redis cannot take timers at the moment', { cause: error })
  }
  return unavailable(error)
}

function unavailable(cause?: unknown): TimerError {
  return new TimerError('STORE_UNAVAILABLE', 'Redis cannot be reached at the moment', { cause })
}

/** Minting an id and adding may each wait for Redis: together no longer than the answer may take. */
function withinAnswerTime<T>(work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const refuse = () => reject(unavailable(new Error('no answer in time')))
    const timer = setTimeout(refuse, ANSWER_TIMEOUT_MS)
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
