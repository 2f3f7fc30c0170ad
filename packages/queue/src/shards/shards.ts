import { createHash } from 'node:crypto'
import {
  type Callback,
  type Log,
  parseRedisUrl,
  type RedisNodeState,
  type RedisPlace,
  TimerError,
} from '@timers/core'
import type { Redis } from 'ioredis'
import { Cluster } from '../nodes/cluster.ts'
import type { Node } from '../nodes/node.ts'
import { type Connections, type Nodes, OneNode } from '../nodes/nodes.ts'
import { ANSWER_TIMEOUT_MS } from '../nodes/redis-client.ts'
import type { MonitorHooks, RedisHealth } from '../nodes/redis-monitor.ts'
import { wrongRedis } from '../nodes/redis-trouble.ts'
import { type ShardSpread, spreadOf } from '../nodes/shard-spread.ts'
import { ClientCommands } from '../timers/client-commands.ts'
import { FORMAT } from '../timers/stored-timer.ts'
import { TimerCommands } from '../timers/timer-commands.ts'
import { checkDataLayout, shortenEvents } from './data-layout.ts'
import { IdAllocator } from './id-allocator.ts'
import { allShardKeys, DEFAULT_PREFIX, type ShardKeys, shardOf } from './shard-keys.ts'

/** Which Redis, and how its keys are laid out. The same for every process of an installation. */
export interface RedisOptions {
  /** One Redis, a cluster, or Sentinels: parseRedisUrl (@timers/core) has the forms. */
  readonly redisUrl: string
  /** File with certificates of authorities to trust, for TLS. */
  readonly redisCaFile?: string | undefined
  /** Of the Sentinels themselves, where they want one. */
  readonly sentinelPassword?: string | undefined
  /** How many replicas must have a create, a change or a claim before it counts; 0 by default. */
  readonly replicaAcks?: number | undefined
  /** Number of shards; must be what the data was made with. */
  readonly shards: number
  /** First part of every key; tests give each suite its own. */
  readonly prefix?: string
  readonly log: Log
}

/** What a process does with its shards, which decides what it connects for. */
export interface ShardUse {
  /** Creates and changes timers for clients who wait for an answer. */
  readonly changes: boolean
  /** Who is told of the ends of all timers. */
  readonly events?: Callback | undefined
}

const READS: Connections = { to: (node) => node.reads, closed: false }
const CHANGES: Connections = { to: (node) => node.changes as Redis, closed: false }

/**
 * One shard: a BullMQ queue, and all that is needed to work on it: its ids, its commands, and a way to the server that holds
 * it; nobody else knows which server that is, and it may be another one a moment later. (Shards of one server share its
 * connections.)
 */
export class Shard {
  readonly keys: ShardKeys
  /** For looking: never waits longer than `ANSWER_TIMEOUT_MS`. */
  readonly reads: Redis
  readonly #nodes: Nodes
  readonly #changes:
    | {
        readonly redis: Redis
        readonly clients: ClientCommands
        readonly commands: TimerCommands
        readonly ids: IdAllocator
      }
    | undefined

  constructor(keys: ShardKeys, nodes: Nodes, use: ShardUse) {
    this.keys = keys
    this.#nodes = nodes
    this.reads = nodes.redisFor(keys, READS, ANSWER_TIMEOUT_MS)
    if (use.changes) {
      const redis = nodes.redisFor(keys, CHANGES, ANSWER_TIMEOUT_MS)
      this.#changes = {
        redis,
        clients: new ClientCommands(redis, keys, use.events),
        commands: new TimerCommands(redis, keys, { events: use.events }),
        ids: new IdAllocator(redis, keys, () => this.#connection),
      }
    }
  }

  /** The server that holds it; undefined while none is known. */
  get node(): Node | undefined {
    return this.#nodes.of(this.keys)
  }

  /** Whether its server was verified. Cheap: for the hot path. */
  get verified(): boolean {
    return this.node?.monitor.verified ?? false
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
    return this.#forChanges.ids.next()
  }

  /** So many of them at once. */
  async takeIds(count: number): Promise<number[]> {
    return this.#forChanges.ids.take(count)
  }

  /** How often a connection for changes was lost: a command that is under way meanwhile may be sent again. */
  get losses(): number {
    return (this.node?.losses ?? 0) + this.#nodes.resendsOf(this.#forChanges.redis)
  }

  /** A Redis for this shard over connections of a worker. */
  redisOver(connections: Connections): Redis {
    return this.#nodes.redisFor(this.keys, connections)
  }

  /** Tells the connection for changes from any other, before and after. */
  get #connection(): string {
    const { node } = this
    return node === undefined ? '' : `${node.name} ${node.losses}`
  }

  get #forChanges() {
    if (this.#changes === undefined) throw new Error('opened for looking only')
    return this.#changes
  }
}

/** All shards of an installation. */
export class Shards {
  readonly all: readonly Shard[]
  /** Resolves when this process must not use this Redis (`SHARD_MISMATCH`, `DATA_TOO_NEW`). */
  readonly failed: Promise<Error>
  readonly #nodes: Nodes
  readonly #keys: readonly ShardKeys[]
  #format = FORMAT
  /** Whether this process was found fit for the data in Redis. */
  #fits = false
  readonly #verifiedWaiters: (() => void)[] = []
  #fail: (error: Error) => void = () => {}

  /** @throws RangeError where the URL is none */
  constructor(options: RedisOptions, use: ShardUse) {
    const { redisUrl, redisCaFile, sentinelPassword, log, prefix = DEFAULT_PREFIX } = options
    const keys = allShardKeys(prefix, options.shards)
    this.#keys = keys
    this.failed = new Promise((resolve) => {
      this.#fail = resolve
    })
    const place = parseRedisUrl(redisUrl)
    const common = { log, caFile: redisCaFile, sentinelPassword }
    const nodeUse = {
      changes: use.changes,
      replicaAcks: options.replicaAcks,
      hooks: (node: Node) => this.#hooksFor(node, place.kind),
      unfit: (error: TimerError) => this.#fail(error),
    }
    this.#nodes =
      place.kind === 'cluster'
        ? new Cluster(place, keys, common, nodeUse)
        : new OneNode(place, common, nodeUse)
    this.all = keys.map((each) => new Shard(each, this.#nodes, use))
  }

  /** The servers that hold them. */
  get nodes(): Nodes {
    return this.#nodes
  }

  /** Version of the servers that hold them, once one was verified. */
  get redisVersion(): string {
    return this.#nodes.all.find(({ monitor }) => monitor.verified)?.monitor.version ?? '0.0.0'
  }

  /** Format of the oldest timers in it, as of the last check. */
  get format(): number {
    return this.#format
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
    return this.#nodes.health()
  }

  /** The servers that hold them, as they were found at the last look. */
  nodeStates(): RedisNodeState[] {
    const spread = this.perNode()?.nodes ?? []
    return spread.map(({ node: name, shards, movingSlots }) => {
      const node = this.#nodes.all.find((each) => each.name === name)
      const figures = node?.monitor.figures
      return { name, ready: node?.health().ready, shards: shards.length, movingSlots, figures }
    })
  }

  /** How they are spread over the servers; undefined until that is known. */
  perNode(): ShardSpread | undefined {
    const { primaries } = this.#nodes
    const keys = this.all.map((shard) => shard.keys)
    return primaries.length === 0 ? undefined : spreadOf(keys, primaries)
  }

  /** Resolves as soon as one of the servers is verified. */
  async whenVerified(): Promise<void> {
    if (this.#nodes.all.some(({ monitor }) => monitor.verified)) return
    await new Promise<void>((resolve) => this.#verifiedWaiters.push(resolve))
  }

  close(): void {
    this.#nodes.close()
  }

  #hooksFor(node: Node, kind: RedisPlace['kind']): MonitorHooks {
    return {
      check: async ({ mode }) => {
        const wrong = wrongRedis(kind, mode)
        if (wrong !== undefined) throw wrong
        await this.#checkData()
        const mine = this.all.filter((shard) => shard.node === node)
        await Promise.all(mine.map(({ reads, keys }) => shortenEvents(reads, keys)))
      },
      verified: () => {
        for (const resolve of this.#verifiedWaiters.splice(0)) resolve()
      },
      unfit: (error) => this.#fail(error),
    }
  }

  /** Whether this process can work with the data. */
  async #checkData(): Promise<void> {
    try {
      this.#format = (await checkDataLayout((this.all[0] as Shard).reads, this.#keys)).format
      this.#fits = true
    } catch (error) {
      // What is recorded lies on one of the servers: the others go on while that one is away.
      if (error instanceof TimerError || !this.#fits) throw error
    }
  }
}
