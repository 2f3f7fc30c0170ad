import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Environment, NodeNetwork, RedisReply } from '@timers/lab'
import type { RedisNode } from '@timers/local-redis'
import type { Span } from './broken.ts'
import type { FaultKind } from './fault-kinds.ts'
import { type PlannedFault, SLOTS, type Slot } from './fault-plan.ts'
import { Line } from './network.ts'
import { fillDisk, OUT_OF_MEMORY } from './node-troubles.ts'
import type { RedisUnderTest } from './redis-under-test.ts'
import type { FaultOutcome } from './service-slot.ts'
import { Serving } from './serving.ts'
import { growShards } from './shard-growth.ts'
import { killAndCutTail } from './torn-kill.ts'

export interface NodesOptions {
  readonly replicas: number
  readonly acks: number
}

const HANDS_A_SHARD = 20
/** How long nodes may take until they are at full strength again. */
const WHOLE_WITHIN_MS = 60_000

/**
 * Several Redis that stand in for one another. Of what is done to them one thing is done at a time, and no other before they are
 * at full strength again (fault-kinds.ts): a fault whose time has come until then is left out.
 */
export abstract class NodesUnderTest<N extends RedisNode> implements RedisUnderTest {
  readonly crashes: string[] = []
  /** Nodes whose end is no crash. */
  protected readonly mayEnd = new Set<string>()
  readonly #options: NodesOptions
  /** With which it began. */
  readonly #firstShards: number
  #shards: number
  readonly #ways = new WeakMap<N, Map<Slot, Line>>()
  #serving: Serving | undefined
  #isBroken = false
  #playing: Promise<unknown> = Promise.resolve()

  constructor(options: NodesOptions, shards: number) {
    this.#options = options
    this.#firstShards = shards
    this.#shards = shards
  }

  protected abstract readonly url: string
  protected abstract readonly nodes: readonly N[]
  protected abstract readonly network: NodeNetwork
  /** Nodes of which clients can know that they serve. */
  protected abstract readonly servers: readonly N[]
  protected abstract primaries(): Promise<readonly N[]>
  protected abstract replicas(): Promise<readonly N[]>
  /** Shards that a node serves. */
  protected abstract shardsOf(node: N): Promise<readonly number[]>
  protected abstract whole(timeoutMs: number): Promise<void>
  /** Plays a fault that only nodes of this kind know; its note. */
  protected abstract playOwn(fault: PlannedFault): Promise<string | undefined>
  protected abstract failover(primary: N): Promise<N>
  /** Kills a primary for good with its disk, and puts a new one at its place; resolves with who has taken over. */
  protected abstract lose(primary: N, ms: number): Promise<N>
  protected abstract ownerOf(key: string): Promise<N>
  protected abstract stop(): Promise<void>

  get shards(): number {
    return this.#shards
  }

  /** Once there are more shards than at first, an id may belong to either layout. */
  shardOf(id: number): number | undefined {
    return this.#shards === this.#firstShards ? (id - 1) % this.#shards : undefined
  }

  envOf(slot: Slot): Environment {
    return {
      // Each process is a user of its own: that is how the network tells them apart.
      REDIS_URL: this.url.replace('://', `://${slot}:any@`),
      TIMER_SHARDS: this.#firstShards,
      // They are shared out among the shards: enough for a crowd of silent receivers in each.
      WORKER_CONCURRENCY: HANDS_A_SHARD * this.#firstShards,
      REDIS_REPLICA_ACKS: this.#options.acks,
    }
  }

  waysOf(slot: Slot, node?: number): readonly Line[] {
    const nodes = node === undefined ? this.nodes : [pick(this.nodes, node)]
    return nodes.map((one) => this.#wayTo(one, slot))
  }

  async play(fault: PlannedFault): Promise<FaultOutcome> {
    if (fault.kind === 'redis-rewrite') return this.#tell(fault, 'BGREWRITEAOF')
    if (fault.kind === 'shards-grow') return this.#grow()
    if (fault.kind === 'redis-flush') return this.#tell(fault, 'SCRIPT', 'FLUSH')
    if (this.#isBroken) return { isLeftOut: true }
    this.#isBroken = true
    const played = this.#playAlone(fault)
    this.#playing = played
    return played.finally(() => {
      this.#isBroken = false
    })
  }

  async command(...words: string[]): Promise<RedisReply> {
    const owner = await this.ownerOf(words[0] === 'EVAL' ? (words[3] ?? '') : (words[1] ?? ''))
    return owner.command(...words)
  }

  get unserved(): readonly (readonly Span[])[] {
    return this.#serving?.gaps ?? []
  }

  unservedMs(id: number, from: number, to: number): number | undefined {
    return this.#serving?.unservedMs(this.shardOf(id), from, to)
  }

  async heal(): Promise<void> {
    await this.#playing
    await this.#becomeWhole('the last fault')
  }

  async saveLogs(folder: string): Promise<void> {
    for (const { name, dataDir } of this.nodes)
      await copyFile(join(dataDir, 'redis-server.log'), join(folder, `${name}.log`)).catch(() => {})
  }

  async close(): Promise<void> {
    this.#serving?.stop()
    for (const { name } of this.nodes) this.mayEnd.add(name)
    await this.stop()
  }

  /** Says of the end of a node that nobody here has asked for. */
  protected crashed(name: string, how: unknown): void {
    if (!this.mayEnd.has(name)) this.crashes.push(`${name} ended with ${how} at ${new Date().toISOString()}`)
  }

  protected watch(): void {
    const { acks } = this.#options
    this.#serving = new Serving({ nodes: () => this.servers, shards: () => this.#shards, acks })
  }

  async #playAlone(fault: PlannedFault): Promise<FaultOutcome> {
    const from = new Date()
    try {
      const primary = pick(await this.primaries(), fault.node)
      const replica = pick(await this.replicas(), fault.node)
      const before = await this.#served()
      const { name, note } = await this.#break(fault, primary, replica)
      // Whatever is done to replicas, or with slots, no outcome may be lost by it.
      return { shards: before.get(name) ?? [], note }
    } catch (error) {
      this.crashes.push(`${fault.kind} at ${from.toISOString()}: ${(error as Error).message}`)
      return { shards: this.#allShards() }
    } finally {
      await this.#becomeWhole(fault.kind)
    }
  }

  /** @returns the name of the node that it was done to, empty where that is none */
  async #break(fault: PlannedFault, primary: N, replica: N): Promise<{ name: string; note: string }> {
    const { kind, lastsMs, dice } = fault
    // Old faults, as a single Redis has them, are done to any of them.
    const any = dice < 2 / 3 ? primary : replica
    const done = (node: N, note?: string) => ({
      name: node.name,
      note: [node === primary ? 'primary' : 'replica', node.name, note].filter(Boolean).join(' '),
    })
    switch (kind) {
      case 'redis-kill':
        await this.#killFor(any, lastsMs)
        return done(any)
      case 'redis-tail':
        return done(any, await killAndCutTail(any, { ms: lastsMs, dice, holdReplies: this.#holder(any) }))
      case 'redis-disk':
        this.mayEnd.add(any.name)
        try {
          return done(any, await fillDisk(any, lastsMs, dice))
        } finally {
          this.mayEnd.delete(any.name)
        }
      case 'redis-oom':
        await any.command(...OUT_OF_MEMORY.begin)
        await sleep(lastsMs)
        await any.command(...OUT_OF_MEMORY.end)
        return done(any)
      case 'primary-lost':
        return done(primary, `lost, then ${(await this.lose(primary, lastsMs)).name}`)
      case 'primary-freeze':
        await freezeFor(primary, lastsMs)
        return done(primary)
      case 'primary-cut':
        this.network.isolate([primary])
        await sleep(lastsMs)
        this.network.heal()
        return done(primary)
      case 'failover':
        return done(primary, `to ${(await this.failover(primary)).name}`)
      case 'replica-kill':
        await this.#killFor(replica, lastsMs)
        return done(replica)
      case 'replica-freeze':
        await freezeFor(replica, lastsMs)
        return done(replica)
      default:
        return { name: '', note: (await this.playOwn(fault)) ?? '' }
    }
  }

  async #killFor(node: N, ms: number): Promise<void> {
    await node.kill()
    await sleep(ms)
    await node.start()
  }

  /** At any time: nodes, processes and networks may fail meanwhile. */
  async #grow(): Promise<FaultOutcome> {
    const to = this.#shards + 1
    // From here on: those that have heard of it are ahead of this process.
    this.#shards = to
    try {
      const redis = { REDIS_URL: this.url, REDIS_REPLICA_ACKS: this.#options.acks, TIMER_SHARDS: to }
      const times = await growShards(to, redis)
      return { note: `${to} shards${times === 1 ? '' : `, at the ${times}th time`}` }
    } catch (error) {
      this.crashes.push(`shards-grow to ${to}: ${(error as Error).message}`)
      return {}
    }
  }

  /** Where this fails the run goes on, and has failed. */
  async #becomeWhole(after: FaultKind | 'the last fault'): Promise<void> {
    try {
      for (const node of this.nodes) if (node.pid === undefined) await node.start()
      await this.whole(WHOLE_WITHIN_MS)
    } catch (error) {
      this.crashes.push(`after ${after}, at ${new Date().toISOString()}: ${(error as Error).message}`)
    }
  }

  /** To a node that runs; refused where it is down, or at it already. */
  async #tell({ node }: PlannedFault, ...command: string[]): Promise<FaultOutcome> {
    const one = pick(this.nodes, node)
    if (!one.answers) return { note: `${one.name} is away` }
    const answer = await one.command(...command).then(String, (error: Error) => error.message)
    return { note: `${one.name}: ${answer}` }
  }

  async #served(): Promise<ReadonlyMap<string, readonly number[]>> {
    const primaries = await this.primaries()
    const served = await Promise.all(primaries.map((node) => this.shardsOf(node)))
    return new Map(primaries.map(({ name }, index) => [name, served[index] ?? []]))
  }

  #allShards(): number[] {
    return Array.from({ length: this.shards }, (_, shard) => shard)
  }

  #holder(node: N) {
    return async (): Promise<() => Promise<void>> => {
      const losses = await Promise.all(SLOTS.map((slot) => this.#wayTo(node, slot).holdReplies()))
      return async () => {
        await Promise.all(losses.map((lose) => lose()))
      }
    }
  }

  #wayTo(node: N, slot: Slot): Line {
    const ways = this.#ways.get(node) ?? new Map<Slot, Line>()
    this.#ways.set(node, ways)
    const way = ways.get(slot) ?? new Line(this.network.to(node).client(slot))
    ways.set(slot, way)
    return way
  }
}

async function freezeFor(node: RedisNode, ms: number): Promise<void> {
  node.freeze()
  await sleep(ms)
  node.thaw()
}

/** One of them, by a number in [0, 1). */
export function pick<T>(from: readonly T[], dice: number): T {
  const one = from[Math.floor(dice * from.length)]
  if (one === undefined) throw new Error('There is nothing to choose from')
  return one
}
