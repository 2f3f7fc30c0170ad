import type { Redis } from 'ioredis'
import { type AckRule, Acks } from './acks.ts'
import { type ConnectionOptions, connect, type Endpoint } from './redis-client.ts'
import { type MonitorHooks, type RedisHealth, RedisMonitor } from './redis-monitor.ts'

/** What a process does with Redis, which decides what it connects for. */
export interface NodeUse {
  /** Creates and changes timers for clients who wait for an answer. */
  readonly changes: boolean
  /** What follows from the checks of a node. */
  readonly hooks: (node: Node) => MonitorHooks
  readonly acks?: AckRule | undefined
}

/** A Redis server that takes writes: its connections, and the watch over it. */
export class Node {
  /** Its address, or what stands for it: what tells it from other nodes. */
  readonly name: string
  /** For looking: never waits longer than `ANSWER_TIMEOUT_MS`. */
  readonly reads: Redis
  /** For changes that a client waits for. */
  readonly changes: Redis | undefined
  readonly monitor: RedisMonitor
  readonly #endpoint: Endpoint
  readonly #options: ConnectionOptions
  #losses = 0

  constructor(name: string, endpoint: Endpoint, options: ConnectionOptions, use: NodeUse) {
    this.name = name
    this.#endpoint = endpoint
    this.#options = options
    this.reads = connect(endpoint, 'reader', options)
    if (use.changes) {
      this.changes = connect(endpoint, 'producer', options)
      this.changes.on('close', () => {
        this.#losses += 1
      })
      if (use.acks !== undefined) new Acks(this.changes, use.acks, isChange)
    }
    this.monitor = new RedisMonitor(this.reads, use.hooks(this), options.log)
  }

  /** How often the connection for changes was lost: a command that is under way meanwhile may be sent again. */
  get losses(): number {
    return this.#losses
  }

  /** Both connections must stand: the one that reads, which is verified, and the one that changes. */
  health(): RedisHealth {
    const health = this.monitor.health()
    if (!health.ready || this.changes === undefined || this.changes.status === 'ready') return health
    return { ...health, ready: false, problems: ['Redis cannot be reached for creating timers'] }
  }

  /** A connection for a worker: it waits for Redis as long as it takes. Whoever asks for it closes it. */
  connectWorker(): Redis {
    return connect(this.#endpoint, 'worker', this.#options)
  }

  close(): void {
    this.monitor.stop()
    this.changes?.disconnect()
    this.reads.disconnect()
  }
}

/** All that goes over the connection for changes, but what the client library asks by itself. */
function isChange({ name }: { readonly name: string }): boolean {
  return name === 'evalsha' || name === 'eval' || name === 'incrby'
}
