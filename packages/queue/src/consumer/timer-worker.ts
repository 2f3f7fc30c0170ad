import { type Job, Worker, type WorkerOptions } from 'bullmq'
import { type Clocks, clocks } from '../timers/due-timer.ts'
import { type TimerHash, toHash } from '../timers/stored-timer.ts'
import type { Hands } from './hands.ts'

/** A job that BullMQ has taken for this worker. */
export interface TakenJob {
  readonly jobId: string
  /** All fields of its hash, ours included. */
  readonly hash: TimerHash
  /** With which the lock is held. */
  readonly token: string
}

export interface TimerWorkerHooks {
  readonly hands: Hands
  /**
   * Does everything with a timer, and gives it back to Redis. Never throws. `sending` is to be called as its request is
   * about to leave, `leaving` as the command is sent that gives it back: the next one is fetched beside it, in the same
   * write.
   */
  readonly process: (taken: TakenJob, sending: () => void, leaving: () => void) => Promise<void>
  /** Locks were renewed for `lockMs`, by a command that was sent at `askedAt`. */
  readonly renewed: (jobIds: readonly string[], askedAt: Clocks, lockMs: number) => void
}

/** What stands for a Job of BullMQ's here. */
interface FetchedJob {
  readonly id: string
  readonly token: string | undefined
  readonly hash: TimerHash | undefined
}

/** What of BullMQ's Worker is private to it. */
interface WorkerInside {
  /** Whether the last fetch found nothing: then its loop waits for the marker. */
  drained: boolean
  /** Until when its loop waits, epoch ms. */
  blockUntil: number
}

/**
 * BullMQ's Worker, of which we keep what it is good at: to wait, to fetch under a lock, to renew locks, to hand on the
 * jobs of lost workers. What becomes of a job is written by our own commands (timers/), so BullMQ's processing is left
 * out whole: its moves to completed, failed and delayed never run.
 *
 * A timer that has come to wait for its receiver (hands.ts) gives its place in BullMQ's loop to another, and goes on
 * beside it; its lock is renewed like that of any other.
 */
export class TimerWorker extends Worker {
  readonly #hooks: TimerWorkerHooks
  /** Hashes of jobs that were fetched and not handed on yet, by job id. */
  readonly #fetched = new Map<string, TimerHash>()
  /** All that is in hand, also what BullMQ's loop does not know of any more. */
  readonly #inHand = new Set<Promise<void>>()
  #ending = false

  constructor(name: string, hooks: TimerWorkerHooks, options: WorkerOptions) {
    // Started by hand: the hooks are not there yet while the constructor of Worker runs. The processor is never called.
    super(name, async () => {}, { ...options, autorun: false })
    this.#hooks = hooks
    this.run().catch((error) => this.emit('error', error))
  }

  override async processJob(
    ...[job, token, wantsMore = () => true]: Parameters<Worker['processJob']>
  ): ReturnType<Worker['processJob']> {
    const jobId = String(job.id)
    const { hash = {} } = job as unknown as FetchedJob
    const hand = this.#hooks.hands.take()
    this.lockManager.trackJob(jobId, token, Date.now())
    let next: Promise<Job | undefined> | undefined
    await new Promise<void>((resolve) => {
      let hasPlace = true
      const makeRoom = (): void => {
        hasPlace = false
        resolve()
      }
      const leaving = (): void => {
        if (hasPlace && wantsMore() && !this.#ending && !this.paused) next ??= this.#fetch(token)
      }
      const work = this.#hooks
        .process({ jobId, hash, token }, () => hand.sending(makeRoom), leaving)
        .finally(() => {
          this.lockManager.untrackJob(jobId)
          hand.done()
          this.#inHand.delete(work)
          resolve()
        })
      this.#inHand.add(work)
    })
    return next
  }

  /** Takes nothing new, and lets all that is in hand finish under locks that are renewed. */
  override async close(force = false): Promise<void> {
    this.#ending = true
    if (!force) {
      await this.pause(true)
      while (this.#inHand.size > 0) await Promise.all(this.#inHand)
    }
    return super.close(force)
  }

  /** The next job, or undefined where there is none; the main loop asks again after an error. */
  async #fetch(token: string): Promise<Job | undefined> {
    return this.moveToActive(token).catch((error) => {
      this.emit('error', error)
      return undefined
    })
  }

  /** BullMQ's Job knows its own fields only: the hash is kept as Redis answered it. */
  protected override createBackend(): void {
    super.createBackend()
    const { backend } = this
    const execute = backend.execCommand.bind(backend)
    backend.execCommand = async (client, command, args) => {
      const reply = await execute(client, command, args)
      if (command === 'moveToActive' && Array.isArray(reply?.[0])) {
        this.#fetched.set(String(reply[1]), toHash(reply[0]))
      }
      return reply
    }
  }

  /**
   * What the main loop hands on to `processJob`: the hash, and no Job of BullMQ's, which would be made and thrown away for
   * every timer.
   */
  protected override async nextJobFromJobData(
    ...[data, jobId = '', token]: Parameters<Worker['nextJobFromJobData']>
  ): Promise<Job> {
    const inside = this as unknown as WorkerInside
    inside.drained = !data
    if (!data) return undefined as unknown as Job
    const hash = this.#fetched.get(jobId)
    this.#fetched.delete(jobId)
    const fetched: FetchedJob = { id: jobId, token, hash }
    return fetched as unknown as Job
  }

  /**
   * Starts each timer as soon as it is fetched. BullMQ's loop would first go on fetching, one round trip after the
   * other, until its hands are full or nothing is left; a time to wait until, also one that is past, makes it stop.
   */
  protected override async moveToActive(
    ...args: Parameters<Worker['moveToActive']>
  ): ReturnType<Worker['moveToActive']> {
    // Undefined is what there is where nothing is due, whatever BullMQ's type says.
    if (this.#ending) return undefined as never
    const job = await super.moveToActive(...args)
    if (job !== undefined) (this as unknown as WorkerInside).blockUntil = 1
    return job
  }

  override async extendJobLocks(
    ...[jobIds, tokens, lockMs]: Parameters<Worker['extendJobLocks']>
  ): ReturnType<Worker['extendJobLocks']> {
    const askedAt = clocks()
    const lost = await super.extendJobLocks(jobIds, tokens, lockMs)
    this.#hooks.renewed(
      jobIds.filter((jobId) => !lost.includes(jobId)),
      askedAt,
      lockMs,
    )
    return lost
  }
}
