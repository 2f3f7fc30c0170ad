import { setTimeout as sleep } from 'node:timers/promises'
import type { Disposition, DueTimer, Log } from '@timers/core'
import { DelayedError, type Job, UnrecoverableError, type Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import { BullDueTimer } from './bull-due-timer.ts'
import { connectReader, connectWorker, type RedisOptions } from './connections.ts'
import { Fence } from './fence.ts'
import { type Carried, FencedWorker } from './fenced-worker.ts'
import { type OverdueTimer, oldestOverdue } from './overdue.ts'
import { type RedisHealth, RedisMonitor } from './redis-monitor.ts'
import { RetentionSweeper, retentionOptions } from './retention.ts'
import { allShardKeys, DEFAULT_PREFIX, type ShardKeys, shardOf, timerIdOf } from './shards.ts'
import { type TimerData, toTimer } from './stored-timer.ts'
import { Watchdog } from './watchdog.ts'

/**
 * A lock that is not renewed runs out after this; a check this often hands the job to another worker. The check may
 * skip one beat, so a dead worker's timers are recovered within 6 + 2 * 3 = 12 s. The fence makes short locks safe.
 */
const LOCK_MS = 6_000
const STALLED_CHECK_MS = 3_000
/** Several Workers of smaller concurrency ramp up in parallel: each fetches its jobs one by one before it starts the first. */
const WORKERS_PER_PROCESS = 4
/** Hands that are at work at a time, and do not only wait for a receiver; more only make each of them slower. */
const WORKING_HANDS = 100
/** How long hands must have been empty at a shutdown before BullMQ is not waited for any longer. */
const EMPTY_LOOKS = 10
const LOOK_MS = 100
/** A timer that came a little early (clocks differ) is waited for here rather than sent back. */
const WAIT_IN_HAND_MS = 50

export interface TimerConsumerOptions extends RedisOptions {
  /** Most timers in hand at a time, over all shards; at least one for each of them. */
  readonly concurrency: number
  /** How long finished timers are kept, in days; may be a fraction. */
  readonly retentionDays: number
  /** How long the oldest due timer may wait before the watchdog looks into it, in milliseconds. */
  readonly stuckAfterMs?: number
  /** Fires one due timer. Called for each timer that is due, never before its due time. */
  readonly handle: (due: DueTimer) => Promise<Disposition>
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
  /** Longest overdue timer of the last look, if any: for metrics. */
  readonly overdue: OverdueTimer | undefined
  /** Resolves when this process must not use this Redis (`SHARD_MISMATCH`). */
  readonly failed: Promise<Error>
}

/** Takes due timers out of Redis and hands them to `handle`: BullMQ behind a plain face. */
export function createTimerConsumer(options: TimerConsumerOptions): TimerConsumer {
  return new BullTimerConsumer(options)
}

/** Tells BullMQ to put a job into its failed set, with the reason and without a stack trace of ours. */
class TimerNotFired extends UnrecoverableError {
  constructor(reason: string) {
    super(reason)
    this.stack = reason
  }
}

/** The hands for one shard, and what is in them. */
interface Load {
  readonly hands: number
  inFlight: number
  /** Timers taken so far. */
  taken: number
}

/** Workers out of service that still finish what they hold. */
interface Retired {
  readonly closed: Promise<void>
  readonly connection: Redis | undefined
}

/** Shares `total` out into `parts` numbers as even as can be, each at least 1. */
function share(total: number, parts: number): number[] {
  const rest = total % parts
  return Array.from({ length: parts }, (_, part) =>
    Math.max(1, Math.floor(total / parts) + (part < rest ? 1 : 0)),
  )
}

class BullTimerConsumer implements TimerConsumer {
  readonly failed: Promise<Error>
  readonly #options: TimerConsumerOptions
  readonly #log: Log
  readonly #prefix: string
  readonly #shards: readonly ShardKeys[]
  readonly #reader: Redis
  readonly #monitor: RedisMonitor
  readonly #watchdog: Watchdog
  readonly #sweeper: RetentionSweeper
  readonly #loads: readonly Load[]
  #connection: Redis | undefined
  #workers: Worker[] = []
  #retired: Retired[] = []
  #stopping = false
  #stopped: Promise<void> | undefined

  constructor(options: TimerConsumerOptions) {
    this.#options = options
    this.#log = options.log
    this.#prefix = options.prefix ?? DEFAULT_PREFIX
    this.#shards = allShardKeys(this.#prefix, options.shards)
    this.#reader = connectReader(options.redisUrl, options.log)
    this.#monitor = new RedisMonitor(this.#reader, this.#shards, options.log)
    this.failed = this.#monitor.failed
    this.#loads = share(options.concurrency, options.shards).map((hands) => ({
      hands,
      inFlight: 0,
      taken: 0,
    }))
    this.#sweeper = new RetentionSweeper(
      this.#reader,
      this.#prefix,
      this.#shards,
      options.retentionDays,
      options.log,
    )
    this.#watchdog = new Watchdog({
      log: options.log,
      ...(options.stuckAfterMs === undefined ? {} : { stuckAfterMs: options.stuckAfterMs }),
      look: () => oldestOverdue(this.#reader, this.#shards, Date.now()),
      taken: ({ id }) => this.#loadOf(id).taken,
      full: ({ id }) => this.#loadOf(id).inFlight >= this.#loadOf(id).hands,
      restart: () => this.restart(),
    })
  }

  get inFlight(): number {
    return this.#loads.reduce((sum, { inFlight }) => sum + inFlight, 0)
  }

  #loadOf(id: number): Load {
    return this.#loads[shardOf(id, this.#shards.length)] as Load
  }

  get overdue(): OverdueTimer | undefined {
    return this.#watchdog.last
  }

  health(): RedisHealth {
    return this.#monitor.health()
  }

  async start(): Promise<void> {
    await this.#monitor.whenVerified()
    if (this.#stopping) return
    this.#launch()
    this.#watchdog.start()
    this.#sweeper.start()
  }

  async restart(): Promise<void> {
    if (this.#stopping) return
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
    const retired = this.#retired
    await Promise.race([Promise.all(retired.map(({ closed }) => closed)), this.#emptyHands()])
    // What still waits for Redis ends here: nothing may be taken after this.
    for (const { connection } of retired) connection?.disconnect()
    this.#monitor.stop()
    this.#reader.disconnect()
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
    const connection = connectWorker(this.#options.redisUrl, this.#monitor.version, this.#log)
    const fence = new Fence(connection)
    const mostPerShard = Math.max(1, Math.floor(WORKERS_PER_PROCESS / this.#shards.length))
    this.#connection = connection
    this.#workers = this.#shards.flatMap((keys) => {
      const { hands } = this.#loads[keys.index] as Load
      const shares = share(hands, Math.min(hands, mostPerShard))
      const working = Math.ceil(WORKING_HANDS / this.#shards.length / shares.length)
      return shares.map((each) => this.#createWorker(connection, fence, keys, each, working))
    })
  }

  /** Takes the present Workers out of service; they finish what they hold, and their connection is closed after. */
  #retire(): void {
    const [workers, connection] = [this.#workers, this.#connection]
    this.#workers = []
    this.#connection = undefined
    const closed = Promise.allSettled(workers.map((worker) => worker.close())).then(() => {
      connection?.disconnect()
      this.#retired = this.#retired.filter((other) => other !== retired)
    })
    const retired: Retired = { closed, connection }
    this.#retired.push(retired)
  }

  #createWorker(
    connection: Redis,
    fence: Fence,
    keys: ShardKeys,
    concurrency: number,
    working: number,
  ): Worker {
    const retention = retentionOptions(this.#options.retentionDays)
    const load = this.#loads[keys.index] as Load
    const inHand = new WeakMap<Job<TimerData>, BullDueTimer>()
    const worker = new FencedWorker(
      keys.queueName,
      {
        process: (job, token) => {
          const due = new BullDueTimer(job, token, keys, fence, this.#log, () => worker.sending(job))
          inHand.set(job, due)
          return this.#process(due, job, token)
        },
        unfinished: async (job) => inHand.get(job)?.recordCarried(),
        inHand: (change) => {
          load.inFlight += change
          if (change === 1) load.taken += 1
        },
      },
      {
        connection,
        prefix: this.#prefix,
        concurrency,
        lockDuration: LOCK_MS,
        stalledInterval: STALLED_CHECK_MS,
        // Never failed by BullMQ for stalling: the fence decides what a second run may do.
        maxStalledCount: Number.MAX_SAFE_INTEGER,
        // How soon to fetch again after Redis was away; BullMQ's own is 15 s.
        runRetryDelay: 250,
        // The version check stays on: without it BullMQ takes Redis for an old one and waits in whole seconds only.
        removeOnComplete: retention,
        removeOnFail: retention,
      },
      working,
    )
    worker.on('error', (error) => this.#log.debug({ reason: error.message }, 'bullmq worker error'))
    worker.on('stalled', (jobId) =>
      this.#log.warn({ timerId: timerIdOf(jobId) }, 'taking over a timer whose worker was lost'),
    )
    return worker
  }

  async #process(due: BullDueTimer, job: Job<TimerData>, token: string): Promise<Carried> {
    const disposition = await this.#handle(due)
    await this.#follow(disposition, job, token)
    return due.carried
  }

  /** Never early, not by a millisecond: neither when clocks differ, nor when someone promoted the job by hand. */
  async #handle(due: DueTimer): Promise<Disposition> {
    const { id: timerId, requestId: reqId, dueAt } = due.timer
    const earlyMs = dueAt - Date.now()
    if (earlyMs > WAIT_IN_HAND_MS) return { kind: 'delay', until: dueAt }
    while (Date.now() < dueAt) await sleep(1)
    try {
      return await this.#options.handle(due)
    } catch (error) {
      this.#log.error({ timerId, reqId, err: error }, 'a due timer could not be handled')
      return { kind: 'abandon' }
    }
  }

  async #follow(disposition: Disposition, job: Job<TimerData>, token: string): Promise<void> {
    switch (disposition.kind) {
      case 'finish':
        if (disposition.status === 'fired') return
        throw new TimerNotFired(`${disposition.status}: ${disposition.reason ?? 'see the attempts'}`)
      case 'delay':
        try {
          await job.moveToDelayed(disposition.until, token)
        } catch (error) {
          // Never passed on: BullMQ would put the job into its failed set, where no one takes it from.
          const { id: timerId, requestId: reqId } = toTimer(job)
          const fields = { timerId, reqId, reason: (error as Error).message }
          this.#log.warn(fields, 'a timer could not be put back, it is handed on when its lock runs out')
        }
        throw new DelayedError()
      case 'abandon':
        // BullMQ leaves the job alone after this error. Its lock runs out, and the next check hands it on.
        throw new DelayedError()
    }
  }
}
