import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Log, parseRedisUrl, type RedisNodeState, type RedisPlace, TimerError } from '@timers/core'
import { Cluster } from '../nodes/cluster.ts'
import type { Node } from '../nodes/node.ts'
import { type Nodes, OneNode } from '../nodes/nodes.ts'
import type { MonitorHooks, RedisHealth } from '../nodes/redis-monitor.ts'
import { wrongRedis } from '../nodes/redis-trouble.ts'
import { type ShardSpread, spreadOf } from '../nodes/shard-spread.ts'
import { unlessForbidden } from '../nodes/unless-forbidden.ts'
import { unavailable } from '../timers/store-error.ts'
import { FORMAT } from '../timers/stored-timer.ts'
import { checkFormat, shortenEvents } from './data-layout.ts'
import { GrowthWatch } from './growth-watch.ts'
import { LiveLayouts, parseFollowed } from './live-layouts.ts'
import { Shard, type ShardUse } from './shard.ts'
import { DEFAULT_PREFIX, type ShardKeys, shardKeys } from './shard-keys.ts'

export type { Shard } from './shard.ts'

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
  /** Number of shards of an empty Redis; what is recorded in it counts for any other. */
  readonly shards: number
  /** First part of every key; tests give each suite its own. */
  readonly prefix?: string
  readonly log: Log
}

/** How often a word is looked for anew, each time with more shards known than before. */
const MOST_TRIES = 3

/** A shard in which a word may lie, and up to which layout it is its home (layouts.ts). */
export interface Home {
  readonly shard: Shard
  readonly upTo: number
}

/** What is answered where a word has its home elsewhere: the layout that the shard follows. */
export interface Moved {
  readonly kind: 'moved'
  readonly layout: string
}

/** All shards of an installation. There may be more of them at any time, and never fewer. */
export class Shards {
  /** Resolves when this process must not use this Redis (`WRONG_REDIS`, `DATA_TOO_NEW`). */
  readonly failed: Promise<Error>
  readonly layouts: LiveLayouts
  readonly #nodes: Nodes
  readonly #use: ShardUse
  readonly #keysOf: (index: number) => ShardKeys
  readonly #made: Shard[] = []
  #all: readonly Shard[]
  readonly #growth: GrowthWatch | undefined
  readonly #listeners = new Set<() => void>()
  #format = FORMAT
  /** Whether this process was found fit for the data in Redis. */
  #fits = false
  readonly #verifiedWaiters: (() => void)[] = []
  #fail: (error: Error) => void = () => {}

  /** @throws RangeError where the URL is none */
  constructor(options: RedisOptions, use: ShardUse) {
    const { redisUrl, redisCaFile, sentinelPassword, log, prefix = DEFAULT_PREFIX, shards: wanted } = options
    this.#use = use
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
    this.#keysOf = (index) => shardKeys(prefix, index, () => this.layouts.layouts.first.shards)
    const redis = () => (this.all[0] as Shard).reads
    this.layouts = new LiveLayouts({ keys: this.#keysOf(0), redis, wanted, log })
    const keys = Array.from({ length: wanted }, (_, index) => this.#keysOf(index))
    this.#nodes =
      place.kind === 'cluster'
        ? new Cluster(place, keys, common, nodeUse)
        : new OneNode(place, common, nodeUse)
    this.#all = this.#upTo(wanted)
    this.layouts.onChange(() => this.#follow())
    this.#growth = use.changes ? new GrowthWatch(this, log) : undefined
  }

  get all(): readonly Shard[] {
    return this.#all
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

  /** The shard of a timer, as far as this process knows the layouts. */
  of(id: number): Shard {
    return this.all[this.layouts.layouts.shardOf(id)] as Shard
  }

  /** Where a word may lie, the oldest home first (layouts.ts). */
  homesOf(word: string): readonly Home[] {
    const { layouts, settled } = this.layouts
    if (layouts.number === 0 && this.all.length === 1) return [{ shard: this.all[0] as Shard, upTo: 0 }]
    const hash = createHash('sha256').update(word).digest().readUInt32BE()
    return layouts.homesOf(hash).map(({ shard, upTo }) => ({
      shard: this.all[shard] as Shard,
      // A shard that a failover made forget which layout it follows.
      upTo: upTo < settled ? -1 : upTo,
    }))
  }

  /**
   * Does something with a word in the shard that has it or is to have it: from one of its homes to the next, where the answer is
   * that it has moved.
   */
  async atHome<T extends object>(word: string, work: (home: Home) => Promise<T | Moved>): Promise<T> {
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      for (const home of this.homesOf(word)) {
        const done = await work(home)
        if (!isMoved(done)) return done
        this.moved(done)
      }
      // All of them: there are more shards than this process knows.
      await this.layouts.refresh()
    }
    throw unavailable(new Error('more shards than this process can learn of'))
  }

  /** What a shard has said of the layout that it follows. */
  moved({ layout }: Moved): void {
    const followed = parseFollowed(layout)
    if (followed !== undefined) this.layouts.learn(followed.number, followed.layout)
  }

  /**
   * Looks for something, and once more where nothing was found and there turn out to be more shards: nobody is told that there is
   * no such timer only because this process has not heard of its shard.
   */
  async seek<T>(look: () => Promise<T | undefined>): Promise<T | undefined> {
    const { version } = this.layouts
    const found = await look()
    if (found !== undefined || !(await this.isNews(version))) return found
    return look()
  }

  /** Whether more is known of the layouts, when they are read anew, than was when they had this version. */
  async isNews(version: number): Promise<boolean> {
    await this.layouts.refresh()
    return this.layouts.version !== version
  }

  /** The `turn`-th of the shards for new timers, counted round. */
  at(turn: number): Shard {
    return this.all[turn % this.layouts.inUse] as Shard
  }

  /** Called when there are other shards than before. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener)
  }

  health(): RedisHealth {
    const health = this.#nodes.health()
    const { advice } = this.layouts
    return advice === undefined ? health : { ...health, advice: [...health.advice, advice] }
  }

  /** How they are spread over the servers; undefined until that is known. */
  perNode(): ShardSpread | undefined {
    const { primaries } = this.#nodes
    const keys = this.all.map((shard) => shard.keys)
    return primaries.length === 0 ? undefined : spreadOf(keys, primaries)
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

  /** Resolves as soon as one of the servers is verified. */
  async whenVerified(): Promise<void> {
    if (this.#nodes.all.some(({ monitor }) => monitor.verified)) return
    await new Promise<void>((resolve) => this.#verifiedWaiters.push(resolve))
  }

  /**
   * Waits until one of the servers is verified.
   *
   * @returns why none is by then, in words
   * @throws TimerError where this process must not use them
   */
  async problemAfter(waitMs: number): Promise<string | undefined> {
    const isReached = await Promise.race([
      this.whenVerified().then(() => true),
      this.failed.then((error) => {
        throw error
      }),
      sleep(waitMs, false, { ref: false }),
    ])
    return isReached ? undefined : (this.health().problems[0] ?? 'Redis cannot be reached')
  }

  close(): void {
    this.#growth?.stop()
    this.layouts.close()
    this.#nodes.close()
  }

  #upTo(count: number): readonly Shard[] {
    while (this.#made.length < count) {
      const keys = this.#keysOf(this.#made.length)
      this.#made.push(new Shard(keys, this.#nodes, this.#use, this.layouts))
    }
    return this.#made.slice(0, count)
  }

  #follow(): void {
    const { shards } = this.layouts.layouts
    if (shards === this.#all.length) return
    this.#all = this.#upTo(shards)
    this.#nodes.hold(this.#all.map(({ keys }) => keys))
    for (const listener of this.#listeners) listener()
  }

  #hooksFor(node: Node, kind: RedisPlace['kind']): MonitorHooks {
    return {
      check: async ({ mode }) => {
        const wrong = wrongRedis(kind, mode)
        if (wrong !== undefined) throw wrong
        await this.#checkData()
        const mine = this.all.filter((shard) => shard.node === node)
        // Who may only look leaves it to the others: of shards that were just added it may be the first to look.
        await unlessForbidden(Promise.all(mine.map(({ reads, keys }) => shortenEvents(reads, keys))))
      },
      verified: () => {
        for (const resolve of this.#verifiedWaiters.splice(0)) resolve()
      },
      unfit: (error) => this.#fail(error),
    }
  }

  /** Whether this process can work with the data, and how many shards there are. */
  async #checkData(): Promise<void> {
    try {
      const { reads, keys } = this.all[0] as Shard
      this.#format = await checkFormat(reads, keys)
      await this.layouts.refresh()
      this.#fits = true
    } catch (error) {
      // What is recorded lies on one of the servers: the others go on while that one is away.
      if (error instanceof TimerError || !this.#fits) throw error
    }
  }
}

export function isMoved(answer: object): answer is Moved {
  return 'kind' in answer && answer.kind === 'moved'
}
