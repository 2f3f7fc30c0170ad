import { setTimeout as sleep } from 'node:timers/promises'
import type { Callback, DueTimer, Log } from '@timers/core'
import type { Redis } from 'ioredis'
import { DEFAULT_PREFIX, timerIdOf } from '../shards/shard-keys.ts'
import type { Shard, Shards } from '../shards/shards.ts'
import { type Moments, RedisDueTimer } from '../timers/due-timer.ts'
import { storeErrorKind } from '../timers/store-error.ts'
import { TimerCommands } from '../timers/timer-commands.ts'
import { fetchScript, tuneScripts } from './bullmq-scripts.ts'
import type { Complaints } from './complaints.ts'
import type { Hands } from './hands.ts'
import { type TakenJob, TimerWorker } from './timer-worker.ts'
import { WorkerConnections } from './worker-connections.ts'

/**
 * A lock that is not renewed runs out after this; a check this often hands the job to another worker. The check may
 * skip one beat, so a dead worker's timers are recovered within 6 + 2 * 3 = 12 s. The fence makes short locks safe.
 */
const LOCK_MS = 6_000
const STALLED_CHECK_MS = 3_000
/** A timer that came a little early (clocks differ) is waited for here rather than sent back. */
const WAIT_IN_HAND_MS = 50

export interface CrewOptions {
  readonly shards: Shards
  /** Of each shard, in their order. */
  readonly hands: readonly Hands[]
  readonly prefix?: string | undefined
  readonly events?: Callback | undefined
  readonly log: Log
  readonly complaints: Complaints
  /** Fires one due timer, and gives it back. */
  readonly handle: (due: DueTimer) => Promise<void>
}

/** BullMQ's Workers of all shards, on connections of their own: they take timers from the moment they are made. */
export class Crew {
  readonly #options: CrewOptions
  readonly #connections: WorkerConnections
  readonly #workers: readonly TimerWorker[]
  #ending = false

  constructor(options: CrewOptions) {
    const { shards, hands, events } = options
    this.#options = options
    this.#connections = new WorkerConnections(shards.nodes)
    const fetch = fetchScript()
    const tuned = new Set<Redis>()
    this.#workers = shards.all.flatMap((shard) => {
      const connection = shard.redisOver(this.#connections)
      if (!tuned.has(connection)) tuneScripts(connection, shards.redisVersion)
      tuned.add(connection)
      const commands = new TimerCommands(connection, shard.keys, { fetch, events })
      const own = hands[shard.keys.index] as Hands
      return own.perWorker.map((each) => this.#createWorker(shard, connection, commands, own, each))
    })
  }

  /** What waits for replicas is given back, never sent: this process is about to end. */
  end(): void {
    this.#ending = true
  }

  /** Takes nothing new, finishes what it holds, and closes the connections after. */
  async retire(): Promise<void> {
    await Promise.allSettled(this.#workers.map((worker) => worker.close()))
    this.#connections.close()
  }

  /** Ends what still waits for Redis. */
  cutOff(): void {
    this.#connections.close()
    for (const worker of this.#workers) worker.abandon()
  }

  #createWorker(
    shard: Shard,
    connection: Redis,
    commands: TimerCommands,
    hands: Hands,
    concurrency: number,
  ): TimerWorker {
    const inHand = new Map<string, RedisDueTimer>()
    const worker = new TimerWorker(
      shard.keys.queueName,
      {
        hands,
        process: async (taken, sending, leaving) => {
          this.#options.complaints.settle()
          await this.#process(taken, commands, { sending, leaving, ending: () => this.#ending }, inHand)
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
    worker.on('error', (error) => this.#options.complaints.say(error))
    worker.on('stalled', (jobId) =>
      this.#options.log.warn({ timerId: timerIdOf(jobId) }, 'taking over a timer whose worker was lost'),
    )
    return worker
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
      due = new RedisDueTimer({ id, hash, token }, commands, this.#options.log, moments)
      inHand.set(jobId, due)
      await this.#handle(due)
    } catch (error) {
      if (storeErrorKind(error) === 'closed') return
      this.#options.log.error({ timerId: id, err: error }, 'a due timer could not be handled')
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
