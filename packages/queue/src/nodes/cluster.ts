import { type Address, type RedisPlace, toAddress } from '@timers/core'
import { Command, type Redis } from 'ioredis'
import type { ShardKeys } from '../shards/shard-keys.ts'
import { Node, type NodeUse } from './node.ts'
import type { Connections, Nodes } from './nodes.ts'
import { type ConnectionOptions, connect } from './redis-client.ts'
import type { RedisHealth } from './redis-monitor.ts'
import { type Route, RoutedRedis } from './routed-redis.ts'
import { SlotMap, type Witness } from './slot-map.ts'

type ClusterPlace = Extract<RedisPlace, { readonly kind: 'cluster' }>

/** Key of a shard that never exists (routed-redis.ts). */
const NEVER = 'never'

/**
 * The primaries of a Redis Cluster that serve our shards. A node is connected to when it serves a shard, and let go of when it
 * serves none: what it had not answered by then is asked of the node that serves the shard now.
 */
export class Cluster implements Nodes {
  readonly #place: ClusterPlace
  readonly #options: ConnectionOptions
  readonly #use: NodeUse
  readonly #map: SlotMap
  readonly #nodes = new Map<string, Node>()
  /** Those of the URL, as long as no node is known to answer: they tell where the shards are. */
  #seeds: Witness[] = []
  readonly #listeners = new Set<() => void>()
  #closed = false

  constructor(place: ClusterPlace, shards: readonly ShardKeys[], options: ConnectionOptions, use: NodeUse) {
    this.#place = place
    this.#options = options
    this.#use = use
    const witnesses = () => this.#witnesses()
    this.#map = new SlotMap(shards.map(slotOf), witnesses, () => this.#follow(), options.log)
    this.#openSeeds()
  }

  get all(): readonly Node[] {
    return [...this.#nodes.values()]
  }

  of(shard: ShardKeys): Node | undefined {
    const owner = this.#map.ownerOf(slotOf(shard))
    return owner === undefined ? undefined : this.#nodes.get(owner)
  }

  redisFor(shard: ShardKeys, connections: Connections, withinMs?: number): RoutedRedis {
    const slot = slotOf(shard)
    const isClosed = () => this.#closed || connections.closed
    const route: Route = {
      neverKey: shard.key(NEVER),
      withinMs,
      current: () => {
        const node = this.of(shard)
        return node && connections.to(node)
      },
      at: (address) => connections.to(this.#node(address)),
      moved: (address) => this.#map.moved(slot, address),
      lookAgain: () => this.#map.refresh(),
      waiting: () => this.#waitAt(slot),
      get closed() {
        return isClosed()
      },
    }
    return new RoutedRedis(route)
  }

  resendsOf(redis: Redis): number {
    return redis instanceof RoutedRedis ? redis.resends : 0
  }

  onChange(listener: () => void): void {
    this.#listeners.add(listener)
  }

  /** Ready as long as one node is: timers can be created there, and read and fired. */
  health(): RedisHealth {
    const nodes = this.all
    if (nodes.length === 0) {
      return {
        ready: false,
        problems: [this.#map.problem ?? 'Redis cannot be reached'],
        advice: [],
        clockSkewMs: undefined,
      }
    }
    const found = nodes.map((node) => ({ name: node.name, ...node.health() }))
    const skews = found.flatMap(({ clockSkewMs }) => clockSkewMs ?? [])
    return {
      ready: found.some(({ ready }) => ready),
      problems: found.flatMap(({ name, problems }) => problems.map((problem) => `${name}: ${problem}`)),
      // Mostly the same of all: said once.
      advice: [...new Set(found.flatMap(({ advice }) => advice))],
      clockSkewMs: skews.sort((a, b) => Math.abs(b) - Math.abs(a))[0],
    }
  }

  close(): void {
    this.#closed = true
    this.#map.close()
    for (const node of this.#nodes.values()) node.close()
    this.#closeSeeds()
  }

  /** A connection that goes where the slot goes. */
  #waitAt(slot: number): Redis {
    const owner = () => this.#map.ownerOf(slot)
    const where = () => {
      const now = owner()
      return now === undefined ? undefined : toAddress(now)
    }
    let last = owner()
    const redis = connect({ kind: 'following', where, access: this.#place.access }, 'worker', this.#options)
    const follow = () => {
      if (owner() === last) return
      last = owner()
      redis.disconnect(true)
    }
    this.#listeners.add(follow)
    redis.once('end', () => this.#listeners.delete(follow))
    return redis
  }

  /** Whoever may know: the nodes that serve our shards, and those of the URL where none of these answers. */
  #witnesses(): Witness[] {
    const nodes = this.all.map(({ name, reads }) => ({ address: toAddress(name), redis: reads }))
    if (nodes.some(({ redis }) => redis.status === 'ready')) this.#closeSeeds()
    else this.#openSeeds()
    return [...nodes, ...this.#seeds]
  }

  #openSeeds(): void {
    if (this.#seeds.length > 0 || this.#closed) return
    this.#seeds = this.#place.seeds.map((address) => this.#openSeed(address))
  }

  #openSeed(address: Address): Witness {
    const redis = connect({ kind: 'node', address, access: this.#place.access }, 'reader', this.#options)
    redis.on('ready', () => void this.#map.refresh())
    return { address, redis }
  }

  #closeSeeds(): void {
    for (const { redis } of this.#seeds) redis.disconnect()
    this.#seeds = []
  }

  /** Connects to who has come to serve shards, and lets go of who serves none any more. */
  #follow(): void {
    if (this.#closed) return
    const owners = this.#map.owners
    for (const owner of owners) this.#node(owner)
    for (const [name, node] of this.#nodes) {
      if (owners.has(name)) continue
      this.#nodes.delete(name)
      node.close()
    }
    for (const listener of this.#listeners) listener()
  }

  #node(name: string): Node {
    let node = this.#nodes.get(name)
    if (node === undefined) {
      const endpoint = { kind: 'node', address: toAddress(name), access: this.#place.access } as const
      node = new Node(name, endpoint, this.#options, this.#use)
      this.#nodes.set(name, node)
    }
    return node
  }
}

/** The slot of a shard: that of the tag which all of its keys have. */
function slotOf({ queueName }: ShardKeys): number {
  return new Command('get', [queueName]).getSlot()
}
