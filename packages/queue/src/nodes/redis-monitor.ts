import { type Log, type RedisFigures, TimerError } from '@timers/core'
import type { Redis } from 'ioredis'
import type { ConnectionTrouble } from './connection-trouble.ts'
import { errorFields } from './error-fields.ts'
import { missingRight } from './missing-right.ts'
import { inspectRedis, type RedisFinding, type RedisInspection } from './redis-inspection.ts'
import { troubleIn } from './redis-trouble.ts'
import type { ReplicaRule } from './replica-findings.ts'

/** Whether Redis is there, is the one we expect, and keeps what it is given. */
export interface RedisHealth {
  /** Reachable, verified and nothing unsafe about it. */
  readonly ready: boolean
  /** What is wrong or could be better, in words; may hold advice when ready. */
  readonly problems: readonly string[]
  /** What may well be meant so, and what it costs: nothing is wrong with it. */
  readonly advice: readonly string[]
  /** Redis' clock minus ours, in milliseconds; undefined until it was measured. */
  readonly clockSkewMs: number | undefined
}

const CHECK_INTERVAL_MS = 10_000
/** How soon to look again where a check failed although the connection stands, or found it unsafe, in milliseconds. */
const CHECK_AGAIN_MS = 500

/** What is to be done beside watching. */
export interface MonitorHooks {
  /** Asks what else must hold; throws a TimerError where this process must not use this Redis. */
  readonly check: (found: RedisInspection) => Promise<void>
  /** The server was verified; told after each check that went well. */
  readonly verified: () => void
  /** This process must not use this Redis. */
  readonly unfit: (error: TimerError) => void
}

export interface MonitorOptions {
  readonly checkEveryMs?: number
  /** Without it nothing is said of replicas. */
  readonly replicaRule?: ReplicaRule
  /** Why there is no connection, as far as somebody knows. */
  readonly trouble?: ConnectionTrouble
}

/**
 * Watches one connection: verifies the server after every connect and every ten seconds, logs what changes, and
 * tells the process's readiness.
 *
 * A server that was verified stays so for as long as this connection stands: a later check that gets no answer makes
 * the process not ready, and is made again soon, but stops nobody who still gets answers.
 *
 * Verifying also asks what else must hold, such as that this process can work with the data in it (shards/data-layout.ts):
 * where it must not go on, `unfit` is called, and the process is expected to stop.
 */
export class RedisMonitor {
  readonly #redis: Redis
  readonly #hooks: MonitorHooks
  readonly #log: Log
  readonly #replicaRule: ReplicaRule | undefined
  readonly #trouble: ConnectionTrouble | undefined
  readonly #timer: NodeJS.Timeout
  #verified = false
  /** Why the last check came to nothing. */
  #problem: string | undefined
  #findings: readonly RedisFinding[] = []
  #lastSaid = ''
  #lastComplaint = ''
  #again: NodeJS.Timeout | undefined
  #stopped = false
  #clockSkewMs: number | undefined
  #version = '0.0.0'
  #figures: RedisFigures | undefined

  constructor(
    redis: Redis,
    hooks: MonitorHooks,
    log: Log,
    { checkEveryMs = CHECK_INTERVAL_MS, replicaRule, trouble }: MonitorOptions = {},
  ) {
    this.#redis = redis
    this.#replicaRule = replicaRule
    this.#trouble = trouble
    this.#hooks = hooks
    this.#log = log
    redis.on('ready', () => void this.#check())
    redis.on('close', () => {
      this.#verified = false
      this.#problem = undefined
      // What was true before the outage may not be after it.
      this.#clockSkewMs = undefined
      this.#figures = undefined
    })
    this.#timer = setInterval(() => void this.#check(), checkEveryMs)
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

  /** What the server told of itself at the last check; undefined where it did not answer it. */
  get figures(): RedisFigures | undefined {
    return this.#figures
  }

  health(): RedisHealth {
    const clockSkewMs = this.#clockSkewMs
    if (!this.#verified) {
      const problem = this.#problem ?? this.#trouble?.words ?? 'Redis cannot be reached'
      return { ready: false, problems: [problem], advice: [], clockSkewMs }
    }
    const isChoice = ({ severity }: RedisFinding) => severity === 'choice'
    const advice = this.#findings.filter(isChoice).map(({ message }) => message)
    const problems = this.#findings.filter((each) => !isChoice(each)).map(({ message }) => message)
    if (this.#problem !== undefined) {
      return { ready: false, problems: [this.#problem, ...problems], advice, clockSkewMs }
    }
    return { ready: !this.#isUnsafe, problems, advice, clockSkewMs }
  }

  get #isUnsafe(): boolean {
    return this.#findings.some(({ severity }) => severity === 'unsafe')
  }

  stop(): void {
    this.#stopped = true
    clearInterval(this.#timer)
    clearTimeout(this.#again)
  }

  async #check(): Promise<void> {
    if (this.#stopped || this.#redis.status !== 'ready') return
    try {
      const inspection = await inspectRedis(this.#redis, this.#replicaRule)
      const { version, findings, clockSkewMs, figures } = inspection
      await this.#hooks.check(inspection)
      this.#version = version
      this.#findings = findings
      this.#clockSkewMs = clockSkewMs
      this.#figures = figures
      this.#say(version)
      this.#verified = true
      this.#problem = undefined
      this.#lastComplaint = ''
      this.#hooks.verified()
      // It says that this process had better not be used: no longer than that is true.
      if (this.#isUnsafe) this.#lookAgainSoon()
    } catch (error) {
      this.#figures = undefined
      if (error instanceof TimerError) {
        this.#verified = false
        this.#problem = error.message
        this.#hooks.unfit(error)
      } else {
        this.#problem = checkProblem(error)
        this.#complain(error)
      }
      this.#lookAgainSoon()
    }
  }

  #lookAgainSoon(): void {
    clearTimeout(this.#again)
    this.#again = setTimeout(() => void this.#check(), CHECK_AGAIN_MS)
    this.#again.unref()
  }

  #complain(error: unknown): void {
    const fields = errorFields(error)
    if (fields.reason !== this.#lastComplaint) this.#log.warn(fields, 'redis could not be checked')
    this.#lastComplaint = fields.reason
  }

  #say(version: string): void {
    const said = JSON.stringify(this.#findings)
    if (said === this.#lastSaid) return
    this.#lastSaid = said
    if (this.#findings.every(({ severity }) => severity === 'choice')) {
      this.#log.info({ version }, 'redis verified: safe to rely on')
    }
    for (const { severity, message } of this.#findings) {
      if (severity === 'unsafe') this.#log.error({ version }, `unsafe redis: ${message}`)
      else if (severity === 'choice') this.#log.info({ version }, `redis: ${message}`)
      else this.#log.warn({ version }, `redis: ${message}`)
    }
  }
}

/** Why a Redis that is connected could not be checked. */
function checkProblem(error: unknown): string {
  const words = troubleIn(error) ?? missingRight(error)
  if (words !== undefined) return words
  const [code] = /^[A-Z]{3,}\b/.exec(error instanceof Error ? error.message : '') ?? []
  if (code === 'BUSY') return 'Redis is busy with a script (BUSY) and answers nothing else'
  return code === undefined ? 'Redis did not answer the last check' : `Redis refuses to be checked (${code})`
}
