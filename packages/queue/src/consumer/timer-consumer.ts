import { setTimeout as sleep } from 'node:timers/promises'
import type { Callback, Census, DueTimer, Log } from '@timers/core'
import type { Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import { CensusTaker } from '../index/census.ts'
import { errorFields } from '../nodes/error-fields.ts'
import type { RedisHealth } from '../nodes/redis-monitor.ts'
import { DEFAULT_PREFIX, timerIdOf } from '../shards/shard-keys.ts'
import type { RedisOptions } from '../shards/shards.ts'
import { type Shard, Shards } from '../shards/shards.ts'
import { type Moments, RedisDueTimer } from '../timers/due-timer.ts'
import { storeErrorKind } from '../timers/store-error.ts'
import { TimerCommands } from '../timers/timer-commands.ts'
import { upgradeTimers } from '../timers/upgrade.ts'
import { assertScriptsKnown, fetchScript, tuneScripts } from './bullmq-scripts.ts'
import { Hands } from './hands.ts'
import { oldestOverdue } from './overdue.ts'
import { RetentionSweeper } from './retention.ts'
import { type TakenJob, TimerWorker } from './timer-worker.ts'
import { Watchdog } from './watchdog.ts'
import { WorkerConnections } from './worker-connections.ts'

/**
 * A lock that is not renewed runs out after this; a check this often hands the job to another worker. The check may
 * skip one beat, so a dead worker's timers are recovered within 6 + 2 * 3 = 12 s. The fence makes short locks safe.
 */
const LOCK_MS = 6_000
const STALLED_CHECK_MS = 3_000
/** How long hands must have been empty at a shutdown before BullMQ is not waited for any longer. */
const EMPTY_LOOKS = 10
const LOOK_MS = 100
/** A timer that came a little early (clocks differ) is waited for here rather than sent back. */
const WAIT_IN_HAND_MS = 50

export interface TimerConsumerOptions extends RedisOptions {
  /** Most timers in hand at a time, over all shards; at least as many as there are shards. */
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
  /** Timers in hand. */
  readonly inFlight: number
  /** How many timers there are, as of the last look; undefined while that is not known. */
  census(): Census | undefined
  /** How often the watchdog has started it anew. */
  readonly restarts: number
  /** Resolves when this process must not use this Redis (`SHARD_MISMATCH`, `DATA_TOO_NEW`). */
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

/** Workers out of service that still finish what they hold. */
interface Retired {
  readonly closed: Promise<void>
  readonly connections: WorkerConnections | undefined
  readonly workers: readonly Worker[]
}

class BullTimerConsumer implements TimerConsumer {
  readonly failed: Promise<Error>
  readonly #options: TimerConsumerOptions
  readonly #log: Log
  readonly #shards: Shards
  readonly #census: CensusTaker
  readonly #watchdog: Watchdog
  readonly #sweeper: RetentionSweeper
  readonly #hands: readonly Hands[]
  #connections: WorkerConnections | undefined
  #workers: Worker[] = []
  #retired: Retired[] = []
  /** The last that BullMQ complained of, for the watchdog to name. */
  #lastError: string | undefined
  #restarts = 0
  #stopping = false
  #stopped: Promise<void> | undefined

  constructor(options: TimerConsumerOptions) {
    const { log, concurrency, retentionDays, stuckAfterMs } = options
    this.#options = options
    this.#log = log
    this.#shards = new Shards(options, { changes: false })
    this.failed = this.#shards.failed
    this.#hands = Hands.shareOut(concurrency, this.#shards.all.length)
    this.#census = new CensusTaker(this.#shards.all, log)
    this.#sweeper = new RetentionSweeper(this.#shards.all, retentionDays, log)
    this.#watchdog = new Watchdog({
      log,
      ...(stuckAfterMs === undefined ? {} : { stuckAfterMs }),
      look: () => oldestOverdue(this.#shards.all, Date.now()),
      taken: ({ id }) => this.#handsFor(id).taken,
      full: ({ id }) => this.#handsFor(id).full,
      cause: () => this.#lastError,
      restart: () => this.restart(),
    })
  }

  get inFlight(): number {
    return this.#hands.reduce((sum, { inFlight }) => sum + inFlight, 0)
  }

  #handsFor(id: number): Hands {
    return this.#hands[this.#shards.of(id).keys.index] as Hands
  }

  census(): Census | undefined {
    return this.#census.last
  }

  get restarts(): number {
    return this.#restarts
  }

  health(): RedisHealth {
    return this.#shards.health()
  }

  async start(): Promise<void> {
    await this.#shards.whenVerified()
    if (this.#stopping) return
    this.#launch()
    this.#watchdog.start()
    this.#sweeper.start()
    this.#census.start()
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
    this.#census.stop()
    this.#retire()
    const retired = [...this.#retired]
    await Promise.race([Promise.all(retired.map(({ closed }) => closed)), this.#emptyHands()])
    // What still waits for Redis ends here: nothing may be taken after this.
    for (const { connections, workers } of retired) {
      connections?.close()
      // BullMQ's own, for its blocking read: it would go on trying where `close` has not come to its end.
      for (const { backend } of workers) void backend.blockingConnection?.disconnect(false)
    }
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
    const connections = new WorkerConnections(this.#shards.nodes)
    this.#connections = connections
    const tuned = new Set<Redis>()
    this.#workers = this.#shards.all.flatMap((shard) => {
      const connection = shard.redisOver(connections)
      if (!tuned.has(connection)) tuneScripts(connection, this.#shards.redisVersion)
      tuned.add(connection)
      const commands = new TimerCommands(connection, shard.keys, {
        fetch: fetchScript(),
        events: this.#options.events,
      })
      const hands = this.#hands[shard.keys.index] as Hands
      return hands.perWorker.map((each) => this.#createWorker(connection, shard, commands, hands, each))
    })
  }

  /** Takes the present Workers out of service; they finish what they hold, and their connection is closed after. */
  #retire(): void {
    const [workers, connections] = [this.#workers, this.#connections]
    this.#workers = []
    this.#connections = undefined
    const closed = Promise.allSettled(workers.map((worker) => worker.close())).then(() => {
      connections?.close()
      this.#retired = this.#retired.filter((other) => other !== retired)
    })
    const retired: Retired = { closed, connections, workers }
    this.#retired.push(retired)
  }

  #createWorker(
    connection: Redis,
    shard: Shard,
    commands: TimerCommands,
    hands: Hands,
    concurrency: number,
  ): Worker {
    const inHand = new Map<string, RedisDueTimer>()
    const worker = new TimerWorker(
      shard.keys.queueName,
      {
        hands,
        process: async (taken, sending, leaving) => {
          // It goes on: the next complaint is a new one.
          this.#lastError = undefined
          await this.#process(taken, commands, { sending, leaving }, inHand)
        },
        renewed: (jobIds, askedAt, lockMs) => {
          for (const jobId of jobIds) inHand.get(jobId)?.renewed(askedAt, lockMs)
        },
      },
      {
        connection,
        prefix: this.#options.prefix ?? DEFAULT_PREFIX,
        concurrency,
        lockDuration: LOCK_MS,
        stalledInterval: STALLED_CHECK_MS,
        // Never failed by BullMQ for stalling: the fence decides what a second run may do.
        maxStalledCount: Number.MAX_SAFE_INTEGER,
        // How soon to fetch again after Redis was away; BullMQ's own is 15 s.
        runRetryDelay: 250,
        // The version check stays on: without it BullMQ takes Redis for an old one and waits in whole seconds only.
      },
    )
    worker.on('error', (error) => this.#complain(error))
    worker.on('stalled', (jobId) =>
      this.#log.warn({ timerId: timerIdOf(jobId) }, 'taking over a timer whose worker was lost'),
    )
    return worker
  }

  /** Says what BullMQ complains of, once: lost connections are told of by the connections themselves. */
  #complain(error: Error): void {
    const kind = storeErrorKind(error)
    const known = kind === 'unreachable' || kind === 'closed' || /could not renew lock/.test(error.message)
    if (known || error.message === this.#lastError) {
      this.#log.debug(errorFields(error), 'bullmq worker error')
      return
    }
    this.#lastError = error.message
    this.#log.error(errorFields(error), 'timers may not be taken: bullmq worker error')
  }

  /** Never throws: what cannot be handled is let go of, and handed on when its lock runs out. */
  async #process(
    { jobId, hash, token }: TakenJob,
    commands: TimerCommands,
    moments: Moments,
    inHand: Map<string, RedisDueTimer>,
  ): Promise<void> {
    const id = timerIdOf(jobId)
    let due: RedisDueTimer | undefined
    try {
      due = new RedisDueTimer({ id, hash, token }, commands, this.#log, moments)
      inHand.set(jobId, due)
      await this.#handle(due)
    } catch (error) {
      if (storeErrorKind(error) === 'closed') return
      this.#log.error({ timerId: id, err: error }, 'a due timer could not be handled')
    } finally {
      // A client may have changed it meanwhile, and this worker taken it anew.
      if (inHand.get(jobId) === due) inHand.delete(jobId)
    }
  }

  /** Never early, not by a millisecond: neither when clocks differ, nor when someone promoted the job by hand. */
  async #handle(due: DueTimer): Promise<void> {
    const { dueAt } = due.timer
    const earlyMs = dueAt - Date.now()
    if (earlyMs > WAIT_IN_HAND_MS) return due.defer(dueAt)
    while (Date.now() < dueAt) await sleep(1)
    return this.#options.handle(due)
  }
}
