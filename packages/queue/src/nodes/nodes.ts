import type { RedisPlace } from '@timers/core'
import type { Redis } from 'ioredis'
import type { ShardKeys } from '../shards/shard-keys.ts'
import { Node, type NodeUse } from './node.ts'
import { PrimaryWatch } from './primary-watch.ts'
import type { ConnectionOptions, Endpoint } from './redis-client.ts'
import type { RedisHealth } from './redis-monitor.ts'
import type { SlotOwner } from './shard-spread.ts'

/** Connections of one kind to all nodes. */
export interface Connections {
  /** That to a node: one and the same as long as both stand. */
  to(node: Node): Redis
  /** Whether they are closed for good. */
  readonly closed: boolean
}

/** All servers that hold timers, and which of them holds which shard. */
export interface Nodes {
  /** Those that serve shards now, or are asked for one that is on its way to them. */
  readonly all: readonly Node[]
  /** All servers that could: the primaries, with their slots. Empty until they are known. */
  readonly primaries: readonly SlotOwner[]
  /** Told of all shards that there are, where these are others than before. */
  hold(shards: readonly ShardKeys[]): void
  /** The node that serves a shard; undefined while none is known. */
  of(shard: ShardKeys): Node | undefined
  /**
   * A Redis for one shard, over the connections that `connections` gives: each command goes to the node that serves the shard
   * at the moment.
   *
   * @param withinMs longest time for a command with all its ways; without it, as long as it takes
   */
  redisFor(shard: ShardKeys, connections: Connections, withinMs?: number): Redis
  /**
   * How often a command for a shard may have been sent again, its first answer lost: it may have been carried out before. It only
   * ever goes up.
   *
   * @param redis what `redisFor` has given for it, over the connections for changes
   */
  resendsOf(redis: Redis): number
  /**
   * Called when a shard is served by another node, and when a node serves none any more.
   *
   * @returns what ends it
   */
  onChange(listener: () => void): () => void
  health(): RedisHealth
  close(): void
}

type OnePlace = Exclude<RedisPlace, { readonly kind: 'cluster' }>

/** A single Redis, or the one primary that Sentinels watch over: it serves all shards. */
export class OneNode implements Nodes {
  readonly all: readonly [Node]
  readonly primaries: readonly [SlotOwner] = [
    { name: 'redis', slots: [[0, 16_383]], moving: 0, failing: false },
  ]

  readonly #watch: PrimaryWatch | undefined

  constructor(place: OnePlace, options: ConnectionOptions, use: NodeUse) {
    let endpoint: Endpoint
    if (place.kind === 'sentinel') {
      const primary = new PrimaryWatch(place, options)
      this.#watch = primary
      const where = () => primary.address
      const onMove = (listener: () => void) => primary.onMove(listener)
      endpoint = { kind: 'following', access: place.access, where, onMove, primary }
    } else {
      endpoint = place
    }
    this.all = [new Node('redis', endpoint, options, use)]
  }

  hold(): void {}

  of(): Node {
    return this.all[0]
  }

  redisFor(_shard: ShardKeys, connections: Connections): Redis {
    return connections.to(this.all[0])
  }

  /** The client library sends again what was under way. */
  resendsOf(): number {
    return this.all[0].losses
  }

  onChange(): () => void {
    return () => {}
  }

  health(): RedisHealth {
    return this.all[0].health()
  }

  close(): void {
    this.#watch?.close()
    this.all[0].close()
  }
}
