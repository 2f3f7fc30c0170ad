import { setTimeout as sleep } from 'node:timers/promises'
import { startTestCluster, type TestCluster } from '@timers/lab'
import type { ClusterNode } from '@timers/local-redis'
import { type PlannedFault, SLOTS } from './fault-plan.ts'
import { type NodesOptions, NodesUnderTest, pick } from './nodes-under-test.ts'
import { EXTRA_ARGS } from './redis-host.ts'

/** Enough that every primary has some. */
const SHARDS = 8
/** Keys of a slot that move in one step. */
const KEYS_A_STEP = 20
const MOVED_WITHIN_MS = 30_000
const AGAIN_AFTER_MS = 250
/** Shards that a new primary gets. */
const SHARDS_TO_JOIN = 2

/** A cluster of three primaries with their replicas, a network between each process and each node. */
export class ClusterUnderTest extends NodesUnderTest<ClusterNode> {
  readonly #replicas: number
  #cluster!: TestCluster

  private constructor(options: NodesOptions) {
    super(options, SHARDS)
    this.#replicas = options.replicas
  }

  static async start(options: NodesOptions): Promise<ClusterUnderTest> {
    const under = new ClusterUnderTest(options)
    under.#cluster = await startTestCluster({
      network: true,
      clients: SLOTS,
      replicas: options.replicas,
      extraArgs: EXTRA_ARGS,
      onCrash: (name, { code, signal }) => under.crashed(name, code ?? signal),
    })
    under.watch()
    return under
  }

  protected get url(): string {
    return this.#cluster.url
  }

  protected get nodes(): readonly ClusterNode[] {
    return this.#cluster.redis.nodes
  }

  /** All of them: each says who serves what. */
  protected get servers(): readonly ClusterNode[] {
    return this.nodes
  }

  protected get network() {
    return this.#cluster.network
  }

  protected primaries(): Promise<ClusterNode[]> {
    return this.#cluster.redis.primaries()
  }

  protected async replicas(): Promise<ClusterNode[]> {
    const primaries = await this.primaries()
    return this.nodes.filter((node) => !primaries.includes(node))
  }

  protected async shardsOf(node: ClusterNode): Promise<number[]> {
    const slots = new Set(await this.#cluster.redis.slotsOf(node))
    const shards: number[] = []
    for (let shard = 0; shard < this.shards; shard += 1)
      if (slots.has(await this.#slotOf(shard))) shards.push(shard)
    return shards
  }

  protected whole(timeoutMs: number): Promise<void> {
    return this.#cluster.redis.healthy(timeoutMs)
  }

  protected failover(primary: ClusterNode): Promise<ClusterNode> {
    return this.#cluster.redis.failover(primary)
  }

  protected async lose(primary: ClusterNode, ms: number): Promise<ClusterNode> {
    const { redis } = this.#cluster
    const heirs = await redis.replicasOf(primary)
    await primary.kill()
    await sleep(ms)
    const heir = await redis.successorOf(primary, heirs)
    await redis.replace(primary)
    return heir
  }

  protected ownerOf(key: string): Promise<ClusterNode> {
    return this.#cluster.redis.ownerOfKey(key)
  }

  protected stop(): Promise<void> {
    return this.#cluster.stop()
  }

  protected async playOwn(fault: PlannedFault): Promise<string> {
    if (fault.kind === 'slots-move') return this.#moveSlot(fault)
    if (fault.kind === 'node-join') return this.#joinAndLeave(fault)
    throw new Error(`A cluster has no ${fault.kind}`)
  }

  /** Half here and half there for as long as the fault lasts. */
  async #moveSlot({ dice, node, lastsMs }: PlannedFault): Promise<string> {
    const { redis } = this.#cluster
    const shard = Math.floor(dice * SHARDS)
    const slot = await this.#slotOf(shard)
    const from = await redis.ownerOf(slot)
    const to = pick(
      (await this.primaries()).filter((one) => one !== from),
      node,
    )
    const keys = await this.#hand(slot, to, lastsMs)
    return `shard ${shard} with ${keys} keys from ${from.name} to ${to.name}`
  }

  async #joinAndLeave({ dice, lastsMs }: PlannedFault): Promise<string> {
    const { redis } = this.#cluster
    const primary = await redis.addNode()
    const replicas: ClusterNode[] = []
    for (let left = this.#replicas; left > 0; left -= 1) replicas.push(await redis.addNode(primary))
    const first = Math.floor(dice * SHARDS)
    const shards = Array.from({ length: SHARDS_TO_JOIN }, (_, nth) => (first + nth) % SHARDS)
    for (const shard of shards) await this.#hand(await this.#slotOf(shard), primary, 0)
    await sleep(lastsMs)
    // Its slots go first: they have all their replicas at any time.
    await redis.removeNode(primary)
    for (const replica of replicas) await redis.removeNode(replica)
    return `${primary.name} came with shards ${shards.join(' and ')}, and went`
  }

  /**
   * Moves a slot, half here and half there for so long, and sees it through: on a machine that is busy nodes may take one another for
   * gone meanwhile.
   *
   * @returns how many keys there were
   */
  async #hand(slot: number, to: ClusterNode, lastsMs: number): Promise<number> {
    const { redis } = this.#cluster
    const deadline = performance.now() + MOVED_WITHIN_MS
    for (;;) {
      try {
        const move = await redis.beginMove([slot], to)
        const keys = await move.keysLeft()
        const pauseMs = lastsMs / Math.max(1, Math.ceil(keys / KEYS_A_STEP))
        const until = performance.now() + lastsMs
        while (performance.now() < until && (await move.step(KEYS_A_STEP)) > 0) await sleep(pauseMs)
        await move.finish()
        return keys
      } catch (error) {
        if (performance.now() > deadline) throw error
        await sleep(AGAIN_AFTER_MS)
      }
    }
  }

  #slotOf(shard: number): Promise<number> {
    return this.#cluster.redis.slotOf(`{${shard}}`)
  }
}
