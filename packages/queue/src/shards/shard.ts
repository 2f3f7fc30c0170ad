import type { Callback, TimerError } from '@timers/core'
import type { Redis } from 'ioredis'
import type { Node } from '../nodes/node.ts'
import type { Connections, Nodes } from '../nodes/nodes.ts'
import { ANSWER_TIMEOUT_MS } from '../nodes/redis-client.ts'
import { ClientCommands } from '../timers/client-commands.ts'
import { partUnavailable, unavailable } from '../timers/store-error.ts'
import { TimerCommands } from '../timers/timer-commands.ts'
import { IdAllocator, type IdSource } from './id-allocator.ts'
import type { ShardKeys } from './shard-keys.ts'

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

  /** @param layouts what is to be known of other shards to make ids */
  constructor(keys: ShardKeys, nodes: Nodes, use: ShardUse, layouts: IdSource) {
    this.keys = keys
    this.#nodes = nodes
    this.reads = nodes.redisFor(keys, READS, ANSWER_TIMEOUT_MS)
    if (use.changes) {
      const redis = nodes.redisFor(keys, CHANGES, ANSWER_TIMEOUT_MS)
      this.#changes = {
        redis,
        clients: new ClientCommands(redis, keys, use.events),
        commands: new TimerCommands(redis, keys, { events: use.events }),
        ids: new IdAllocator(redis, keys, () => this.connection, layouts),
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

  /** What a client is told while it cannot be reached. */
  get away(): TimerError {
    return this.#nodes.primaries.length > 1 ? partUnavailable('one') : unavailable()
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

  /** Takes so many ids that nobody is to have, while nobody else is there (lua/ids.lua). */
  async leaveOutIds(count: number): Promise<void> {
    return this.#forChanges.ids.leaveOut(count)
  }

  /** For changing what all timers of the shard have in common. */
  get changes(): Redis {
    return this.#forChanges.redis
  }

  /** How often a command for changes may have been sent again, so far. */
  get losses(): number {
    return this.#nodes.resendsOf(this.#forChanges.redis)
  }

  /** A Redis for this shard over connections of a worker. */
  redisOver(connections: Connections): Redis {
    return this.#nodes.redisFor(this.keys, connections)
  }

  /** Tells the connection for changes from any other, before and after. */
  get connection(): string {
    return this.node?.connection ?? ''
  }

  get #forChanges() {
    if (this.#changes === undefined) throw new Error('opened for looking only')
    return this.#changes
  }
}
