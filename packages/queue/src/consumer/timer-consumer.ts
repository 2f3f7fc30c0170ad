import { setTimeout as sleep } from 'node:timers/promises'
import type { Callback, Census, DueTimer, Log, RedisNodeState } from '@timers/core'
import { CensusTaker } from '../index/census.ts'
import type { RedisHealth } from '../nodes/redis-monitor.ts'
import type { ShardSpread } from '../nodes/shard-spread.ts'
import { type RedisOptions, Shards } from '../shards/shards.ts'
import { upgradeTimers } from '../timers/upgrade.ts'
import { assertScriptsKnown } from './bullmq-scripts.ts'
import { Complaints } from './complaints.ts'
import { Crew } from './crew.ts'
import { Hands } from './hands.ts'
import { oldestOverdue } from './overdue.ts'
import { RetentionSweeper } from './retention.ts'
import { Watchdog } from './watchdog.ts'

/** How long hands must have been empty at a shutdown before BullMQ is not waited for any longer. */
const EMPTY_LOOKS = 10
const LOOK_MS = 100
export interface TimerConsumerOptions extends RedisOptions {
  /** Most timers in hand at a time, over all shards; where there are more shards, one for each of them. */
  readonly concurrency: number
  /** How long finished timers are kept, in days; may be a fraction. */
  readonly retentionDays: number
  /** How long the oldest due timer may wait before the watchdog looks into it, in milliseconds. */
  readonly stuckAfterMs?: number
  /** Who is told of the ends of all timers. */
  readonly events?: Callback | undefined
  /** Fires one due timer, and gives it back. Called for each timer that is due, never before its due time. */
  readonly handle: (due: DueTimer) => Promise<void>
}

export interface TimerConsumer {
  /** Begins to take due timers; resolves when it does, which is when Redis is there. */
  start(): Promise<void>
  /** Takes nothing new, lets what is in hand finish, closes the connections. */
  stop(): Promise<void>
  /** Starts to take timers anew with fresh connections; what is in hand finishes as it is. For the watchdog. */
  restart(): Promise<void>
  health(): RedisHealth
  /** Which shards each primary has; undefined until that is known. */
  shardsPerNode(): ShardSpread | undefined
  /** The servers that hold the timers, as they were found at the last look. */
  nodes(): readonly RedisNodeState[]
  /** Timers in hand. */
  readonly inFlight: number
  /** How many timers there are; undefined while that is not known. Takes half a second at most. */
  census(): Promise<Census | undefined>
  /** How often the watchdog has started it anew. */
  readonly restarts: number
  /** Resolves when this process must not use this Redis (`WRONG_REDIS`, `DATA_TOO_NEW`). */
  readonly failed: Promise<Error>
}

/**
 * Takes due timers out of Redis and hands them to `handle`: BullMQ behind a plain face.
 *
 * @throws RangeError where there are more shards than hands; Error where BullMQ is not the one that is known here
 */
export function createTimerConsumer(options: TimerConsumerOptions): TimerConsumer {
  if (options.concurrency < options.shards) {
    throw new RangeError(`${options.concurrency} hands are too few for ${options.shards} shards`)
  }
  assertScriptsKnown()
  return new BullTimerConsumer(options)
}

class BullTimerConsumer implements TimerConsumer {
  readonly failed: Promise<Error>
  readonly #options: TimerConsumerOptions
  readonly #log: Log
  readonly #shards: Shards
  readonly #census: CensusTaker
  readonly #watchdog: Watchdog
  readonly #sweeper: RetentionSweeper
  /** Of each shard, in their order. */
  #hands: readonly Hands[]
  /** Of crews that were retired when there came to be more shards: empty when they have finished what they hold. */
  #handsBefore: readonly Hands[] = []
  readonly #complaints: Complaints
  /** Crews out of service that still finish what they hold. */
  readonly #retired = new Map<Crew, Promise<void>>()
  #crew: Crew | undefined
  #restarts = 0
  #stopping = false
  #stopped: Promise<void> | undefined

  constructor(options: TimerConsumerOptions) {
    const { log, retentionDays, stuckAfterMs } = options
    this.#options = options
    this.#log = log
    this.#shards = new Shards(options, { changes: false })
    this.failed = this.#shards.failed
    this.#complaints = new Complaints(log)
    this.#hands = this.#shareOut()
    this.#census = new CensusTaker(this.#shards, log)
    this.#sweeper = new RetentionSweeper(this.#shards, retentionDays, log)
    this.#watchdog = new Watchdog({
      log,
      ...(stuckAfterMs === undefined ? {} : { stuckAfterMs }),
      look: () => oldestOverdue(this.#shards.all, Date.now()),
      taken: ({ id }) => this.#handsFor(id).taken,
      full: ({ id }) => this.#handsFor(id).full,
      cause: () => this.#complaints.last,
      restart: () => this.restart(),
    })
    this.#shards.onChange(() => this.#grow())
  }

  get inFlight(): number {
    return [...this.#hands, ...this.#handsBefore].reduce((sum, { inFlight }) => sum + inFlight, 0)
  }

  #handsFor(id: number): Hands {
    return this.#hands[this.#shards.of(id).keys.index] as Hands
  }

  shardsPerNode(): ShardSpread | undefined {
    return this.#shards.perNode()
  }

  census(): Promise<Census | undefined> {
    return this.#census.take()
  }

  get restarts(): number {
    return this.#restarts
  }

  health(): RedisHealth {
    const health = this.#shards.health()
    const { concurrency } = this.#options
    const shards = this.#shards.all.length
    if (concurrency >= shards) return health
    const advice = `WORKER_CONCURRENCY is ${concurrency}, and there are ${shards} shards: ${shards} are used, one for each`
    return { ...health, problems: [...health.problems, advice] }
  }

  nodes(): readonly RedisNodeState[] {
    return this.#shards.nodeStates()
  }

  async start(): Promise<void> {
    await this.#shards.whenVerified()
    if (this.#stopping) return
    this.#hands = this.#shareOut()
    this.#launch()
    this.#watchdog.start()
    this.#sweeper.start()
    void upgradeTimers(this.#shards, this.#log)
  }

  async restart(): Promise<void> {
    if (this.#stopping) return
    this.#restarts += 1
    this.#retire()
    this.#launch()
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  async #stop(): Promise<void> {
    this.#stopping = true
    this.#watchdog.stop()
    this.#sweeper.stop()
    this.#retire()
    const retired = [...this.#retired]
    for (const [crew] of retired) crew.end()
    await Promise.race([Promise.all(retired.map(([, closed]) => closed)), this.#emptyHands()])
    // What still waits for Redis ends here: nothing may be taken after this.
    for (const [crew] of retired) crew.cutOff()
    this.#shards.close()
  }

  /**
   * With empty hands, why wait: BullMQ's close hangs while Redis cannot be reached (taskforcesh/bullmq issue 4656), and
   * for good where Redis was away as it began. A fetch that still comes back is settled as that of a lost worker is.
   */
  async #emptyHands(): Promise<void> {
    let emptyLooks = 0
    while (emptyLooks < EMPTY_LOOKS) {
      await sleep(LOOK_MS, undefined, { ref: false })
      emptyLooks = this.inFlight === 0 ? emptyLooks + 1 : 0
    }
  }

  #launch(): void {
    const { prefix, events, handle } = this.#options
    this.#crew = new Crew({
      shards: this.#shards,
      hands: this.#hands,
      prefix,
      events,
      log: this.#log,
      complaints: this.#complaints,
      handle,
    })
  }

  /** At least one for each shard: what is in one that nobody looks at would never fire. */
  #shareOut(): Hands[] {
    const shards = this.#shards.all.length
    return Hands.shareOut(Math.max(this.#options.concurrency, shards), shards)
  }

  /** A new crew, for all shards that there are now; the one before finishes what it holds. */
  #grow(): void {
    if (this.#crew === undefined || this.#stopping) return
    this.#log.info(
      { shards: this.#shards.all.length },
      'there are more shards: taking timers from all of them',
    )
    this.#handsBefore = [...this.#handsBefore, ...this.#hands].filter(({ inFlight }) => inFlight > 0)
    this.#hands = this.#shareOut()
    this.#retire()
    this.#launch()
  }

  /** Takes the present crew out of service. */
  #retire(): void {
    const crew = this.#crew
    if (crew === undefined) return
    this.#crew = undefined
    this.#retired.set(
      crew,
      crew.retire().then(() => {
        this.#retired.delete(crew)
      }),
    )
  }
}
