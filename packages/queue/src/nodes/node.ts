import type { TimerError } from '@timers/core'
import type { Command, Redis } from 'ioredis'
import { isConfirmedScript } from '../timers/scripts.ts'
import { Acks } from './acks.ts'
import { ConnectionTrouble } from './connection-trouble.ts'
import { logOf } from './log-of.ts'
import { type ConnectionOptions, connect, type Endpoint } from './redis-client.ts'
import { type MonitorHooks, type RedisHealth, RedisMonitor } from './redis-monitor.ts'

/** What a process does with Redis, which decides what it connects for. */
export interface NodeUse {
  /** Creates and changes timers for clients who wait for an answer. */
  readonly changes: boolean
  /** What follows from the checks of a node. */
  readonly hooks: (node: Node) => MonitorHooks
  /** This process must not use this Redis. */
  readonly unfit: (error: TimerError) => void
  /** How many replicas must have a change, or a claim, before it counts; without it, none. */
  readonly replicaAcks?: number | undefined
}

/** Longest wait for replicas, in milliseconds: of a client's change, and of a claim. */
const CHANGE_ACKED_WITHIN_MS = 1_500
const CLAIM_ACKED_WITHIN_MS = 1_000

/** How many there were so far: one that comes back under its name is another one. */
let made = 0

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
  readonly #replicaAcks: number
  readonly #number = ++made
  #losses = 0

  constructor(name: string, endpoint: Endpoint, options: ConnectionOptions, use: NodeUse) {
    this.name = name
    this.#endpoint = endpoint
    this.#options = options
    this.#replicaAcks = use.replicaAcks ?? 0
    this.reads = connect(endpoint, 'reader', options)
    if (use.changes) {
      this.changes = connect(endpoint, 'producer', options)
      this.changes.on('close', () => {
        this.#losses += 1
      })
      this.#confirm(this.changes, CHANGE_ACKED_WITHIN_MS, isChange)
    }
    // Of a cluster it must be told which node is meant.
    const log = endpoint.kind === 'node' ? logOf(name, options.log) : options.log
    this.monitor = new RedisMonitor(this.reads, use.hooks(this), log, {
      trouble: new ConnectionTrouble(this.reads, endpoint, options),
      // On a cluster a primary that is cut off refuses writes by itself.
      replicaRule: { acks: this.#replicaAcks, refusesAlone: endpoint.kind === 'node' },
    })
  }

  /** How often the connection for changes was lost: a command that is under way meanwhile may be sent again. */
  get losses(): number {
    return this.#losses
  }

  /** Tells its connection for changes from any other, before and after. */
  get connection(): string {
    return `${this.#number} ${this.#losses}`
  }

  /** Both connections must stand: the one that reads, which is verified, and the one that changes. */
  health(): RedisHealth {
    const health = this.monitor.health()
    if (!health.ready || this.changes === undefined || this.changes.status === 'ready') return health
    return { ...health, ready: false, problems: ['Redis cannot be reached for creating timers'] }
  }

  /** A connection for a worker: it waits for Redis as long as it takes. Whoever asks for it closes it. */
  connectWorker(): Redis {
    const redis = connect(this.#endpoint, 'worker', this.#options)
    this.#confirm(redis, CLAIM_ACKED_WITHIN_MS, isConfirmedScript)
    return redis
  }

  #confirm(redis: Redis, withinMs: number, which: (command: Command) => boolean): void {
    if (this.#replicaAcks === 0) return
    const onDisk = () => knowsWaitAof(this.monitor.version)
    const { log } = this.#options
    new Acks(redis, { replicas: this.#replicaAcks, withinMs, onDisk, log, node: this.name }, which)
  }

  close(): void {
    this.monitor.stop()
    this.changes?.disconnect()
    this.reads.disconnect()
  }
}

/** All that goes over the connection for changes, but what the client library asks by itself. */
function isChange({ name }: { readonly name: string }): boolean {
  return name === 'evalsha' || name === 'eval'
}

/** From 7.2 on; Valkey tells the Redis that it agrees with. */
function knowsWaitAof(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > 7 || (major === 7 && minor >= 2)
}
