import { createHash } from 'node:crypto'
import type { Callback } from '@timers/core'
import type { Redis } from 'ioredis'
import { ClientCommands } from '../timers/client-commands.ts'
import { TimerCommands } from '../timers/timer-commands.ts'
import { IdAllocator } from './id-allocator.ts'
import { connectProducer, connectReader, connectWorker, type RedisOptions } from './redis-client.ts'
import { type RedisHealth, RedisMonitor } from './redis-monitor.ts'
import { allShardKeys, DEFAULT_PREFIX, idInShard, type ShardKeys, shardOf } from './shard-keys.ts'

/** What a process does with its shards, which decides what it connects for. */
export interface ShardUse {
  /** Creates and changes timers for clients who wait for an answer. */
  readonly changes: boolean
  /** Who is told of the ends of all timers. */
  readonly events?: Callback | undefined
}

/**
 * One shard: a BullMQ queue, and all that is needed to work on it. It owns its connections, ids, commands and the
 * watch over its server; nobody else knows which server that is. (Shards of one server share its connections.)
 */
export class Shard {
  readonly keys: ShardKeys
  /** For looking: never waits longer than `ANSWER_TIMEOUT_MS`. */
  readonly reads: Redis
  readonly monitor: RedisMonitor
  readonly #server: Server
  readonly #shards: number
  readonly #changes:
    | { readonly clients: ClientCommands; readonly commands: TimerCommands; readonly ids: IdAllocator }
    | undefined

  constructor(keys: ShardKeys, shards: number, server: Server, events: Callback | undefined) {
    this.keys = keys
    this.reads = server.reads
    this.monitor = server.monitor
    this.#server = server
    this.#shards = shards
    const { changes } = server
    this.#changes = changes && {
      clients: new ClientCommands(changes, keys, events),
      commands: new TimerCommands(changes, keys, { events }),
      ids: new IdAllocator(changes, keys),
    }
  }

  /** Commands of a client who waits for the answer. */
  get clients(): ClientCommands {
    return this.#forChanges.clients
  }

  /** Commands of a worker, for who does its work without one (restore). */
  get commands(): TimerCommands {
    return this.#forChanges.commands
  }

  /** An id of a timer that is to be created in this shard; never handed out twice. */
  async nextId(): Promise<number> {
    return idInShard(await this.#forChanges.ids.next(), this.keys.index, this.#shards)
  }

  /** So many of them at once. */
  async takeIds(count: number): Promise<number[]> {
    const numbers = await this.#forChanges.ids.take(count)
    return numbers.map((number) => idInShard(number, this.keys.index, this.#shards))
  }

  /** How often the connection for changes was lost: a command that is under way meanwhile may be sent again. */
  get losses(): number {
    return this.#server.losses
  }

  get #forChanges() {
    if (this.#changes === undefined) throw new Error('opened for looking only')
    return this.#changes
  }
}

/** A Redis server: its connections, and the watch over it. */
class Server {
  readonly reads: Redis
  readonly changes: Redis | undefined
  readonly monitor: RedisMonitor
  losses = 0

  constructor({ redisUrl, log }: RedisOptions, keys: readonly ShardKeys[], use: ShardUse) {
    this.reads = connectReader(redisUrl, log)
    this.changes = use.changes ? connectProducer(redisUrl, log) : undefined
    this.changes?.on('close', () => {
      this.losses += 1
    })
    this.monitor = new RedisMonitor(this.reads, keys, log)
  }

  /** Both connections must stand: the one that reads, which is verified, and the one that changes. */
  health(): RedisHealth {
    const health = this.monitor.health()
    if (!health.ready || this.changes === undefined || this.changes.status === 'ready') return health
    return { ...health, ready: false, problems: ['Redis cannot be reached for creating timers'] }
  }

  close(): void {
    this.monitor.stop()
    this.changes?.disconnect()
    this.reads.disconnect()
  }
}

/** All shards of an installation. */
export class Shards {
  readonly all: readonly Shard[]
  /** Resolves when this process must not use this Redis (`SHARD_MISMATCH`, `DATA_TOO_NEW`). */
  readonly failed: Promise<Error>
  readonly #server: Server
  readonly #options: RedisOptions

  constructor(options: RedisOptions, use: ShardUse) {
    const keys = allShardKeys(options.prefix ?? DEFAULT_PREFIX, options.shards)
    this.#options = options
    this.#server = new Server(options, keys, use)
    this.failed = this.#server.monitor.failed
    this.all = keys.map((each) => new Shard(each, keys.length, this.#server, use.events))
  }

  /** The shard of a timer. */
  of(id: number): Shard {
    return this.all[shardOf(id, this.all.length)] as Shard
  }

  /** The shard that a word decides on: always the same, and as good as any other. */
  forWord(word: string): Shard {
    if (this.all.length === 1) return this.all[0] as Shard
    return this.at(createHash('sha256').update(word).digest().readUInt32BE())
  }

  /** The `turn`-th shard, counted round. */
  at(turn: number): Shard {
    return this.all[turn % this.all.length] as Shard
  }

  health(): RedisHealth {
    return this.#server.health()
  }

  whenVerified(): Promise<void> {
    return this.#server.monitor.whenVerified()
  }

  /** Version of Redis, once it was verified. */
  get redisVersion(): string {
    return this.#server.monitor.version
  }

  /** A connection for a worker: it waits for Redis as long as it takes. Whoever asks for it closes it. */
  connectWorker(): Redis {
    return connectWorker(this.#options.redisUrl, this.#options.log)
  }

  close(): void {
    this.#server.close()
  }
}
