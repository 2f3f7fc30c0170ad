import { type Address, type RedisPlace, toAddress } from '@timers/core'
import type { Redis } from 'ioredis'
import type { ShardKeys } from '../shards/shard-keys.ts'
import { endpointOf } from './cluster-nodes.ts'
import { ConnectionTrouble } from './connection-trouble.ts'
import { Node, type NodeUse } from './node.ts'
import type { Connections, Nodes } from './nodes.ts'
import { type ConnectionOptions, connect } from './redis-client.ts'
import type { MonitorHooks, RedisHealth } from './redis-monitor.ts'
import { troubleIn, wrongRedis } from './redis-trouble.ts'
import { type Route, RoutedRedis } from './routed-redis.ts'
import { Seeds } from './seeds.ts'
import { ShardNews } from './shard-news.ts'
import { type SlotOwner, spreadOf } from './shard-spread.ts'
import { SlotMap, type Witness } from './slot-map.ts'
import { slotOf } from './slot-of.ts'
import { waitingConnection } from './waiting-connection.ts'
import { witnessOver } from './witness.ts'

type ClusterPlace = Extract<RedisPlace, { readonly kind: 'cluster' }>

/** Key of a shard that never exists (routed-redis.ts). */
const NEVER = 'never'
/** How long a node is kept that serves no shard, and was asked for one that is on its way to it; in milliseconds. */
const GUEST_FOR_MS = 10_000
/** How many nodes are asked that serve none of our shards, beside those of the URL, where nobody else tells. */
const MOST_OTHERS = 6

/**
 * The primaries of a Redis Cluster that serve our shards. A node is connected to when it serves a shard, and let go of when it
 * serves none: what it had not answered by then is asked of the node that serves the shard now.
 */
export class Cluster implements Nodes {
  readonly #place: ClusterPlace
  #shards: readonly ShardKeys[]
  readonly #options: ConnectionOptions
  readonly #use: NodeUse
  readonly #map: SlotMap
  readonly #news: ShardNews
  readonly #nodes = new Map<string, Node>()
  /** Until when a node is kept although it serves no shard. */
  readonly #guests = new Map<string, number>()
  readonly #seeds: Seeds
  readonly #listeners = new Set<() => void>()
  #owners = ''
  #closed = false

  constructor(place: ClusterPlace, shards: readonly ShardKeys[], options: ConnectionOptions, use: NodeUse) {
    this.#place = place
    this.#shards = shards
    this.#options = options
    this.#use = use
    this.#news = new ShardNews(options.log)
    const hooks = { witnesses: () => this.#witnesses(), looked: () => this.#follow() }
    this.#map = new SlotMap(shards.map(slotOfShard), hooks, options.log)
    const seed = (address: Address) => {
      const endpoint = { kind: 'node', address, access: place.access } as const
      const redis = connect(endpoint, 'reader', options)
      return { redis, trouble: new ConnectionTrouble(redis, endpoint, options) }
    }
    this.#seeds = new Seeds(seed, () => void this.#map.refresh())
    this.#seeds.open(place.seeds)
  }

  get all(): readonly Node[] {
    return [...this.#nodes.values()]
  }

  get primaries(): readonly SlotOwner[] {
    return this.#map.primaries
  }

  hold(shards: readonly ShardKeys[]): void {
    this.#shards = shards
    this.#map.hold(shards.map(slotOfShard))
  }

  of(shard: ShardKeys): Node | undefined {
    const owner = this.#map.ownerOf(slotOfShard(shard))
    return owner === undefined ? undefined : this.#nodes.get(owner)
  }

  redisFor(shard: ShardKeys, connections: Connections, withinMs?: number): RoutedRedis {
    const slot = slotOfShard(shard)
    const isClosed = () => this.#closed || connections.closed
    const route: Route = {
      neverKey: shard.key(NEVER),
      withinMs,
      current: () => {
        const node = this.of(shard)
        return node && connections.to(node)
      },
      named: (text, from) => {
        const address = endpointOf(text, addressOf(from))
        return address === undefined ? undefined : connections.to(this.#guest(address))
      },
      moved: (text, from) => {
        const address = endpointOf(text, addressOf(from))
        if (address !== undefined) this.#map.moved(slot, address)
      },
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

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Ready as long as one node is: timers can be created there, and read and fired. */
  health(): RedisHealth {
    const nodes = this.#serving
    if (nodes.length === 0) {
      return { ready: false, problems: [this.#problem], advice: [], clockSkewMs: undefined }
    }
    const found = nodes.map((node) => ({ name: node.name, ...node.health() }))
    const skews = found.flatMap(({ clockSkewMs }) => clockSkewMs ?? [])
    return {
      ready: found.some(({ ready }) => ready),
      problems: [
        ...found.flatMap(({ name, problems }) => problems.map((problem) => `${name}: ${problem}`)),
        ...this.#uncovered(),
      ],
      // Mostly the same of all: said once.
      advice: [...new Set(found.flatMap(({ advice }) => advice)), ...this.#spreadAdvice()],
      clockSkewMs: skews.sort((a, b) => Math.abs(b) - Math.abs(a))[0],
    }
  }

  close(): void {
    this.#closed = true
    this.#map.close()
    for (const node of this.#nodes.values()) node.close()
    this.#seeds.open([])
  }

  /** Those that serve shards: a guest is none of them. */
  get #serving(): readonly Node[] {
    const { owners } = this.#map
    return this.all.filter(({ name }) => owners.has(name))
  }

  /** Why no node is known, in words for an operator. */
  get #problem(): string {
    const { error, nodes } = this.#map
    const trouble = troubleIn(error) ?? this.#seeds.trouble
    if (trouble !== undefined) return trouble
    return (nodes.length > 0 ? this.#uncovered()[0] : undefined) ?? 'Redis cannot be reached'
  }

  #uncovered(): string[] {
    const shards = this.#shards.filter((shard) => !this.#map.isCovered(slotOfShard(shard)))
    if (shards.length === 0) return []
    const numbers = shards.map(({ index }) => index).join(', ')
    return [`shards that no node of the cluster serves: ${numbers} (ask a node: CLUSTER NODES)`]
  }

  /** A connection that goes where the slot goes. */
  #waitAt(slot: number): Redis {
    const owner = () => this.#map.ownerOf(slot)
    return waitingConnection({
      owner,
      moved: (text, asked) => {
        const address = endpointOf(text, asked)
        if (address !== undefined) this.#map.moved(slot, address)
      },
      open: (where) => {
        const onMove = (listener: () => void) => this.onChange(listener)
        const endpoint = { kind: 'following', where, onMove, access: this.#place.access } as const
        return connect(endpoint, 'worker', this.#options)
      },
    })
  }

  /** Whoever may know: the nodes that serve our shards, and others where none of these answers. */
  #witnesses(): Witness[] {
    const nodes = this.all.map(({ name, reads }) => witnessOver(reads, toAddress(name)))
    const answers = this.all.some(({ reads }) => reads.status === 'ready' && !this.#map.isSilent(reads))
    const others = this.#map.nodes.filter(({ failing }) => !failing).slice(0, MOST_OTHERS)
    this.#seeds.open(
      answers || this.#closed
        ? []
        : [...this.#place.seeds, ...others.map(({ address }) => toAddress(address))],
    )
    return [...nodes, ...this.#seeds.all.map(({ redis, address }) => witnessOver(redis, address))]
  }

  /** Connects to who has come to serve shards, and lets go of who serves none any more. */
  #follow(): void {
    if (this.#closed) return
    const { owners } = this.#map
    const wrong = isSingle(this.#map.error) ? wrongRedis('cluster', 'standalone') : undefined
    if (owners.size === 0 && wrong !== undefined) this.#use.unfit(wrong)
    for (const owner of owners) this.#node(owner)
    this.#letGo(owners)
    const placed = this.#shards.map((shard) => this.#map.ownerOf(slotOfShard(shard))).join()
    if (placed !== this.#owners) {
      this.#owners = placed
      for (const listener of this.#listeners) listener()
    }
    this.#tell()
  }

  #letGo(owners: ReadonlySet<string>): void {
    for (const [name, node] of this.#nodes) {
      if (owners.has(name) || (this.#guests.get(name) ?? 0) > performance.now()) continue
      this.#nodes.delete(name)
      this.#guests.delete(name)
      node.close()
      for (const listener of this.#listeners) listener()
    }
  }

  /** How many shards there are is known only when a node was verified: until then it is what the settings say. */
  #hooksFor(node: Node): MonitorHooks {
    const hooks = this.#use.hooks(node)
    const verified = () => {
      hooks.verified()
      this.#tell()
    }
    return { ...hooks, verified }
  }

  #tell(): void {
    const places = this.#shards.map((shard) => {
      const node = this.#map.ownerOf(slotOfShard(shard))
      const covered = this.#map.isCovered(slotOfShard(shard))
      return { shard: shard.index, node, served: covered && (this.of(shard)?.monitor.verified ?? false) }
    })
    this.#news.tell(places, this.#spreadAdvice()[0])
  }

  #spreadAdvice(): string[] {
    const { primaries } = this
    const advice = primaries.length === 0 ? undefined : spreadOf(this.#shards, primaries).advice
    return advice === undefined ? [] : [advice]
  }

  /** One that serves no shard yet, and is asked for one that is on its way to it. */
  #guest(name: string): Node {
    this.#guests.set(name, performance.now() + GUEST_FOR_MS)
    return this.#node(name)
  }

  #node(name: string): Node {
    let node = this.#nodes.get(name)
    if (node === undefined) {
      const endpoint = { kind: 'node', address: toAddress(name), access: this.#place.access } as const
      node = new Node(name, endpoint, this.#options, { ...this.#use, hooks: (of) => this.#hooksFor(of) })
      this.#nodes.set(name, node)
      // Somebody else may have taken over.
      node.reads.on('close', () => void this.#map.refresh())
    }
    return node
  }
}

function isSingle(error: unknown): boolean {
  return error instanceof Error && /cluster support disabled/.test(error.message)
}

/** Where the other end of a connection to a node is. */
function addressOf({ options: { host = '', port = 0 } }: Redis) {
  return { host, port }
}

/** The slot of a shard: that of the tag which all of its keys have. */
function slotOfShard({ queueName }: Pick<ShardKeys, 'queueName'>): number {
  return slotOf(queueName)
}
