import { setTimeout as sleep } from 'node:timers/promises'
import { startTestSentinel, type TestSentinel } from '@timers/lab'
import type { SentinelNode } from '@timers/local-redis'
import { type PlannedFault, SLOTS } from './fault-plan.ts'
import { type NodesOptions, NodesUnderTest, pick } from './nodes-under-test.ts'
import { EXTRA_ARGS } from './redis-host.ts'

const SHARDS = 2
const LOOK_EVERY_MS = 200

/** One primary with its replicas, three Sentinels, and a network between each process and each node. */
export class SentinelsUnderTest extends NodesUnderTest<SentinelNode> {
  #sentinels!: TestSentinel
  #named: SentinelNode | undefined
  #looking: NodeJS.Timeout | undefined

  private constructor(options: NodesOptions) {
    super(options, SHARDS)
  }

  static async start(options: NodesOptions): Promise<SentinelsUnderTest> {
    const under = new SentinelsUnderTest(options)
    under.#sentinels = await startTestSentinel({
      network: true,
      clients: SLOTS,
      replicas: options.replicas,
      nodeSettings: [EXTRA_ARGS.map((word) => word.replace(/^--/, ''))],
      onCrash: (name, { code, signal }) => under.crashed(name, code ?? signal),
    })
    under.#looking = setInterval(() => void under.#look(), LOOK_EVERY_MS)
    under.watch()
    return under
  }

  protected get url(): string {
    return this.#sentinels.url
  }

  protected get nodes(): readonly SentinelNode[] {
    return this.#sentinels.redis.nodes
  }

  /** A promoted node serves nobody before the Sentinels name it. */
  protected get servers(): readonly SentinelNode[] {
    return this.#named === undefined ? [] : [this.#named]
  }

  protected get network() {
    return this.#sentinels.network
  }

  protected async primaries(): Promise<SentinelNode[]> {
    return [await this.#sentinels.redis.primary()]
  }

  protected replicas(): Promise<SentinelNode[]> {
    return this.#sentinels.redis.replicas()
  }

  protected async shardsOf(): Promise<number[]> {
    return Array.from({ length: this.shards }, (_, shard) => shard)
  }

  protected whole(timeoutMs: number): Promise<void> {
    return this.#sentinels.redis.healthy(timeoutMs)
  }

  protected failover(): Promise<SentinelNode> {
    return this.#sentinels.redis.failover()
  }

  protected async lose(primary: SentinelNode, ms: number): Promise<SentinelNode> {
    const { redis } = this.#sentinels
    await primary.kill()
    await sleep(ms)
    const heir = await redis.successorOf(primary)
    await primary.wipe()
    await primary.start()
    return heir
  }

  protected ownerOf(): Promise<SentinelNode> {
    return this.#sentinels.redis.primary()
  }

  protected stop(): Promise<void> {
    clearInterval(this.#looking)
    return this.#sentinels.stop()
  }

  async #look(): Promise<void> {
    this.#named = await this.#sentinels.redis.primary().catch(() => undefined)
  }

  protected async playOwn({ kind, node, lastsMs }: PlannedFault): Promise<string> {
    if (kind !== 'sentinel-kill') throw new Error(`There is no ${kind} under Sentinels`)
    const sentinel = pick(this.#sentinels.redis.sentinels, node)
    await sentinel.kill()
    await sleep(lastsMs)
    await sentinel.start()
    return sentinel.name
  }
}
