import {
  type Census,
  type Created,
  type Log,
  type NewTimerRequest,
  type Timer,
  type TimerDraft,
  TimerError,
  type TimerRecord,
  type TimerStore,
} from '@timers/core'
import { CensusTaker } from '../index/census.ts'
import { ANSWER_TIMEOUT_MS, type RedisOptions } from '../shards/redis-client.ts'
import type { RedisHealth } from '../shards/redis-monitor.ts'
import { jobIdOf } from '../shards/shard-keys.ts'
import { type Shard, Shards } from '../shards/shards.ts'
import { BatchCreator } from './create-many.ts'
import { toStoreError, unavailable } from './store-error.ts'
import { type TimerHash, toData, toRecord, toTimer } from './stored-timer.ts'
import { freshNonce } from './timer-commands.ts'

/** How many ids are tried where Redis hands out some that are taken (after a failover), before it is given up. */
const MOST_IDS = 3

export interface RedisTimerStore extends TimerStore {
  /** Begins to look at Redis. Resolves at once, also while Redis is away. */
  start(): Promise<void>
  health(): RedisHealth
  /** How many timers there are, as of the last look; undefined while that is not known. */
  census(): Census | undefined
  /** Resolves when this process must not use this Redis (`SHARD_MISMATCH`, `DATA_TOO_NEW`). */
  readonly failed: Promise<Error>
  close(): Promise<void>
}

/** The timer store of the API: creates, reads and changes timers. Never waits longer than two seconds for Redis. */
export function createRedisTimerStore(options: RedisOptions): RedisTimerStore {
  return new ShardedTimerStore(options)
}

class ShardedTimerStore implements RedisTimerStore {
  readonly failed: Promise<Error>
  readonly #shards: Shards
  readonly #census: CensusTaker
  readonly #log: Log
  readonly #batches: BatchCreator
  #turn = 0

  constructor(options: RedisOptions) {
    this.#log = options.log
    this.#shards = new Shards(options, { changes: true })
    this.#batches = new BatchCreator(this.#shards, {
      shardFor: () => undefined,
      create: async (shard, { draft }) => ({ ...(await this.#create(shard, draft)), replayed: false }),
    })
    this.failed = this.#shards.failed
    this.#census = new CensusTaker(this.#shards.all, options.log)
  }

  async start(): Promise<void> {
    this.#census.start()
  }

  create(draft: TimerDraft): Promise<Timer> {
    const shard = this.#shards.at(this.#turn)
    this.#turn = (this.#turn + 1) % this.#shards.all.length
    return answer(shard, () => this.#create(shard, draft))
  }

  createAll(requests: readonly NewTimerRequest[]): Promise<readonly (Created | Error)[]> {
    return this.#batches.createAll(requests)
  }

  async #create(shard: Shard, draft: TimerDraft): Promise<Timer> {
    const { losses } = shard
    const data = JSON.stringify(toData(draft))
    try {
      for (let tries = 0; tries < MOST_IDS; tries += 1) {
        const id = await shard.nextId()
        const createdAt = Date.now()
        const dueAt = createdAt + draft.delayMs
        if (await shard.commands.create({ id, data, createdAt, dueAt, owner: draft.owner })) {
          return toTimer(id, asStored(data, createdAt, dueAt, draft.owner))
        }
        this.#log.error({ timerId: id }, 'redis handed out an id that is taken: has it lost its last writes?')
      }
    } catch (error) {
      // Sent again because its reply was lost, and refused only then: the first may have stored the timer.
      const failure = toStoreError(error)
      const refused = failure instanceof TimerError && failure.code === 'STORE_REFUSED'
      throw refused && shard.losses !== losses ? unavailable(error) : failure
    }
    throw new TimerError('STORE_REFUSED', 'Redis hands out ids that are taken')
  }

  async find(id: number): Promise<TimerRecord | undefined> {
    if (!Number.isSafeInteger(id) || id < 1) return undefined
    const { reads, keys, monitor } = this.#shards.of(id)
    if (!monitor.verified) throw unavailable()
    try {
      // One command: the connection bounds its time.
      return toRecord(id, await reads.hgetall(keys.key(jobIdOf(id))))
    } catch (error) {
      throw toStoreError(error)
    }
  }

  async redrive(id: number): Promise<TimerRecord | undefined> {
    const shard = this.#shards.of(id)
    // One for the whole: also where the connection sends the command again.
    const nonce = freshNonce()
    return answer(shard, async () => {
      const done = await shard.commands.redrive(id, nonce, Date.now())
      if (done === 'missing') return undefined
      if (done === 'refused') {
        throw new TimerError(
          'NOT_REDRIVABLE',
          'only a timer whose status is failed or unknown can be sent again',
        )
      }
      return toRecord(id, done)
    })
  }

  health(): RedisHealth {
    return this.#shards.health()
  }

  census(): Census | undefined {
    return this.#census.last
  }

  async close(): Promise<void> {
    this.#census.stop()
    this.#shards.close()
  }
}

/** What the hash of a timer that was just stored holds. */
function asStored(data: string, createdAt: number, dueAt: number, owner: string | undefined): TimerHash {
  return {
    data,
    timestamp: String(createdAt),
    du: String(dueAt),
    ...(owner !== undefined && { ow: owner }),
  }
}

/** All that one answer takes: together no longer than it may, whatever Redis does, and in the words of the port. */
async function answer<T>(shard: Shard, work: () => Promise<T>): Promise<T> {
  if (!shard.monitor.verified) throw unavailable()
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(unavailable(new Error('no answer in time'))), ANSWER_TIMEOUT_MS)
  })
  try {
    return await Promise.race([work(), late])
  } catch (error) {
    throw toStoreError(error)
  } finally {
    clearTimeout(timer)
  }
}
