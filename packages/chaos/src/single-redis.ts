import { type Environment, type RedisReply, stablePort, startTcpProxy, type TcpProxy } from '@timers/lab'
import { type PlannedFault, SLOTS, type Slot } from './fault-plan.ts'
import { Line } from './network.ts'
import { RedisHost } from './redis-host.ts'
import type { RedisUnderTest } from './redis-under-test.ts'
import type { FaultOutcome } from './service-slot.ts'

interface Way {
  readonly proxy: TcpProxy
  readonly line: Line
}

/** One Redis, and a proxy in front of it for each process. */
export class SingleRedis implements RedisUnderTest {
  readonly shards = 1
  readonly #host: RedisHost
  readonly #ways: Readonly<Record<Slot, Way>>

  private constructor(host: RedisHost, ways: Readonly<Record<Slot, Way>>) {
    this.#host = host
    this.#ways = ways
  }

  static async start(minutes: number): Promise<SingleRedis> {
    const host = await RedisHost.start(minutes)
    const ways = {} as Record<Slot, Way>
    for (const slot of SLOTS) {
      const proxy = await startTcpProxy({ targetPort: host.server.port, port: await stablePort() })
      ways[slot] = { proxy, line: new Line(proxy) }
    }
    return new SingleRedis(host, ways)
  }

  get crashes(): readonly string[] {
    return this.#host.crashes
  }

  envOf(slot: Slot): Environment {
    return { REDIS_URL: `redis://127.0.0.1:${this.#ways[slot].proxy.port}` }
  }

  waysOf(slot: Slot): readonly Line[] {
    return [this.#ways[slot].line]
  }

  async play({ kind, lastsMs, dice }: PlannedFault): Promise<FaultOutcome> {
    switch (kind) {
      case 'redis-kill':
        await this.#host.killFor(lastsMs)
        return {}
      case 'redis-tail':
        return noted(await this.#host.killAndCutTailFor(lastsMs, dice, () => this.#holdReplies()))
      case 'redis-disk':
        return noted(await this.#host.fillDiskFor(lastsMs, dice))
      case 'redis-oom':
        await this.#host.outOfMemoryFor(lastsMs)
        return {}
      case 'redis-rewrite':
        // Refused while Redis is away, or rewrites already.
        return noted(await this.command('BGREWRITEAOF').then(String, (error: Error) => error.message))
      default:
        throw new Error(`A single Redis has no ${kind}`)
    }
  }

  command(...words: string[]): Promise<RedisReply> {
    return this.#host.server.command(...words)
  }

  shardOf(): number {
    return 0
  }

  get unserved(): [] {
    return []
  }

  unservedMs(): undefined {
    return undefined
  }

  heal(): Promise<void> {
    return this.#host.revive()
  }

  saveLogs(folder: string): Promise<void> {
    return this.#host.saveLog(folder)
  }

  async close(): Promise<void> {
    await Promise.all(SLOTS.map((slot) => this.#ways[slot].proxy.close()))
    await this.#host.close()
  }

  async #holdReplies(): Promise<() => Promise<void>> {
    const losses = await Promise.all(SLOTS.map((slot) => this.#ways[slot].line.holdReplies()))
    return async () => {
      await Promise.all(losses.map((lose) => lose()))
    }
  }
}

const noted = (note: string): FaultOutcome => ({ note })
