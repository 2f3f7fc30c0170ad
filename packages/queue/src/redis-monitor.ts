import { type Log, TimerError } from '@timers/core'
import type { Redis } from 'ioredis'
import { inspectRedis, type RedisFinding } from './redis-inspection.ts'
import type { ShardKeys } from './shards.ts'

/** Whether Redis is there, is the one we expect, and keeps what it is given. */
export interface RedisHealth {
  /** Reachable, verified and nothing unsafe about it. */
  readonly ready: boolean
  /** What is wrong or could be better, in words; may hold advice when ready. */
  readonly problems: readonly string[]
  /** Redis' clock minus ours, in milliseconds; undefined until it was measured. */
  readonly clockSkewMs: number | undefined
}

const CHECK_INTERVAL_MS = 10_000
/** How soon to look again where a check failed although the connection stands, in milliseconds. */
const CHECK_AGAIN_MS = 500
/**
 * Events that BullMQ keeps for a shard. They cannot be switched off, and nobody reads them: keep the stream short.
 * (It is trimmed by whole nodes of 100, so it may hold twice as many.)
 */
const EVENT_STREAM_LENGTH = 100

/**
 * Watches one connection: verifies the server after every connect and every ten seconds, logs what changes, and
 * tells the process's readiness.
 *
 * Verifying also compares the number of shards with the one recorded in Redis (the first service records it). Another
 * number would look for timers in the wrong queues: `failed` resolves, and the process is expected to stop.
 */
export class RedisMonitor {
  /** Resolves with a TimerError `SHARD_MISMATCH` when this process must not use this Redis. */
  readonly failed: Promise<Error>
  readonly #redis: Redis
  readonly #shards: readonly ShardKeys[]
  readonly #log: Log
  readonly #timer: NodeJS.Timeout
  readonly #verifiedWaiters: (() => void)[] = []
  #fail: (error: Error) => void = () => {}
  #verified = false
  #findings: readonly RedisFinding[] = []
  #lastSaid = ''
  #lastComplaint = ''
  #again: NodeJS.Timeout | undefined
  #stopped = false
  #clockSkewMs: number | undefined
  #version = '0.0.0'

  constructor(redis: Redis, shards: readonly ShardKeys[], log: Log) {
    this.#redis = redis
    this.#shards = shards
    this.#log = log
    this.failed = new Promise((resolve) => {
      this.#fail = resolve
    })
    redis.on('ready', () => void this.#check())
    redis.on('close', () => {
      this.#verified = false
    })
    this.#timer = setInterval(() => void this.#check(), CHECK_INTERVAL_MS)
    this.#timer.unref()
    if (redis.status === 'ready') void this.#check()
  }

  /** Whether the server of this very connection was verified. Cheap: for the hot path. */
  get verified(): boolean {
    return this.#verified
  }

  /** Version of the server that was verified last. */
  get version(): string {
    return this.#version
  }

  /** Resolves as soon as the server is verified. */
  async whenVerified(): Promise<void> {
    if (this.#verified) return
    await new Promise<void>((resolve) => this.#verifiedWaiters.push(resolve))
  }

  health(): RedisHealth {
    if (!this.#verified) {
      return { ready: false, problems: ['Redis cannot be reached'], clockSkewMs: this.#clockSkewMs }
    }
    return {
      ready: this.#findings.every((finding) => finding.severity !== 'unsafe'),
      problems: this.#findings.map((finding) => finding.message),
      clockSkewMs: this.#clockSkewMs,
    }
  }

  stop(): void {
    this.#stopped = true
    clearInterval(this.#timer)
    clearTimeout(this.#again)
  }

  async #check(): Promise<void> {
    if (this.#stopped || this.#redis.status !== 'ready') return
    try {
      await this.#checkShardCount()
      const { version, findings, clockSkewMs } = await inspectRedis(this.#redis)
      this.#version = version
      this.#findings = findings
      this.#clockSkewMs = clockSkewMs
      this.#say(version)
      this.#verified = true
      this.#lastComplaint = ''
      for (const resolve of this.#verifiedWaiters.splice(0)) resolve()
    } catch (error) {
      this.#verified = false
      if (error instanceof TimerError) this.#fail(error)
      else this.#complain(error as Error)
      clearTimeout(this.#again)
      this.#again = setTimeout(() => void this.#check(), CHECK_AGAIN_MS)
      this.#again.unref()
    }
  }

  async #checkShardCount(): Promise<void> {
    const [first] = this.#shards
    if (first === undefined) return
    // Reads before it writes: a Redis that takes no writes now (out of memory, disk full) still tells of its timers.
    let recorded = Number(await this.#redis.get(first.shardCount))
    if (recorded === 0) {
      await this.#redis.setnx(first.shardCount, this.#shards.length)
      recorded = Number(await this.#redis.get(first.shardCount))
    }
    if (recorded !== this.#shards.length) {
      throw new TimerError(
        'SHARD_MISMATCH',
        `this Redis holds timers in ${recorded} shards, and TIMER_SHARDS is ${this.#shards.length}: set TIMER_SHARDS=${recorded}`,
      )
    }
    for (const shard of this.#shards) {
      const [meta, field] = [shard.key('meta'), 'opts.maxLenEvents']
      const length = Number(await this.#redis.hget(meta, field))
      if (length !== EVENT_STREAM_LENGTH) await this.#redis.hset(meta, field, EVENT_STREAM_LENGTH)
    }
  }

  #complain({ message }: Error): void {
    if (message !== this.#lastComplaint) this.#log.warn({ reason: message }, 'redis could not be checked')
    this.#lastComplaint = message
  }

  #say(version: string): void {
    const said = JSON.stringify(this.#findings)
    if (said === this.#lastSaid) return
    this.#lastSaid = said
    if (this.#findings.length === 0) this.#log.info({ version }, 'redis verified: safe to rely on')
    for (const { severity, message } of this.#findings) {
      if (severity === 'unsafe') this.#log.error({ version }, `unsafe redis: ${message}`)
      else this.#log.warn({ version }, `redis: ${message}`)
    }
  }
}
