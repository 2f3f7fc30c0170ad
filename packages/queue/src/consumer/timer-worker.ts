import { setTimeout as sleep } from 'node:timers/promises'
import { type Job, Worker, type WorkerOptions } from 'bullmq'
import type { Redis } from 'ioredis'
import { type Clocks, clocks } from '../timers/due-timer.ts'
import { type TimerHash, toHash } from '../timers/stored-timer.ts'
import type { NextFetch } from '../timers/timer-commands.ts'
import type { Hands } from './hands.ts'

/** Keys that BullMQ's `moveToActive` takes. */
const FETCH_KEYS = 11

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
   * about to leave, `leaving` as the command is sent that gives it back: the next one is fetched in the same step.
   */
  readonly process: (
    taken: TakenJob,
    sending: () => void,
    leaving: () => NextFetch | undefined,
  ) => Promise<void>
  /** Locks were renewed for `lockMs`, by a command that was sent at `askedAt`. */
  readonly renewed: (jobIds: readonly string[], askedAt: Clocks, lockMs: number) => void
}

/** What stands for a Job of BullMQ's here. */
interface FetchedJob {
  readonly id: string
  readonly token: string | undefined
  readonly fetched: Fetched | undefined
}

/** A job as BullMQ's script answered it, and how it was asked. */
interface Fetched {
  readonly hash: TimerHash
  /** All that `moveToActive` was given: keys, and then arguments. The second argument is the time. */
  readonly asked: readonly unknown[]
}

/** What BullMQ's `moveToActive` answers: the hash or 0, the id, milliseconds to wait, when the next is due. */
type FetchReply = readonly [hash: unknown, jobId: unknown, limitDelay: number, delayUntil: number]

/** What is found at the end of a wait: until when to wait on. */
type Marker = Awaited<ReturnType<Worker['backend']['waitForJob']>>

const LOOK_NOW: Marker = { member: '0', score: 0 }

/** What of BullMQ's Worker is private to it. */
interface WorkerInside {
  /** Whether the last fetch found nothing: then its loop waits for the marker. */
  drained: boolean
  /** Until when its loop waits, epoch ms. */
  blockUntil: number
  updateDelays(limitDelay: number, delayUntil: number): void
}

/** What of BullMQ's connection is private to it. */
interface BlockingConnectionInside {
  readonly _client?: Redis
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
  readonly #fetched = new Map<string, Fetched>()
  /** All that is in hand, also what BullMQ's loop does not know of any more. */
  readonly #inHand = new Set<Promise<void>>()
  /** Who holds the lock of a job: a client may take a timer out of our hands, and we take it anew before we notice. */
  readonly #holders = new Map<string, object>()
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
    const { hash, asked } = (job as unknown as FetchedJob).fetched ?? { hash: {}, asked: [] }
    const hand = this.#hooks.hands.take()
    this.lockManager.trackJob(jobId, token, Date.now())
    this.#holders.set(jobId, hand)
    let next: Promise<Job | undefined> | undefined
    await new Promise<void>((resolve) => {
      let hasPlace = true
      let fetching = false
      const makeRoom = (): void => {
        // What is being fetched for this place must find it: nobody else would take that timer in hand.
        if (fetching) return
        hasPlace = false
        resolve()
      }
      const leaving = (): NextFetch | undefined => {
        if (!hasPlace || !wantsMore() || this.#ending || this.paused || asked.length === 0) return undefined
        fetching = true
        return {
          keys: asked.slice(0, FETCH_KEYS) as string[],
          args: [
            asked[FETCH_KEYS],
            Date.now(),
            JSON.stringify({ token, lockDuration: this.opts.lockDuration }),
          ],
          fetched: (reply) => {
            next = this.#jobOf(reply as FetchReply, asked, token)
          },
        }
      }
      const work = this.#hooks
        .process({ jobId, hash, token }, () => hand.sending(makeRoom), leaving)
        .finally(() => {
          if (this.#holders.get(jobId) === hand) {
            this.#holders.delete(jobId)
            this.lockManager.untrackJob(jobId)
          }
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
      this.#endWait()
      while (this.#inHand.size > 0) await Promise.all(this.#inHand)
    }
    return super.close(force)
  }

  /**
   * Of those that wait, Redis tells one when the next timer is due, the one that has waited longest: it must not be one that takes
   * nothing any more, and only finishes what it has in hand beside those that came after it.
   */
  #endWait(): void {
    const { backend } = this
    backend.reconnectBlocking = async () => {}
    backend.disconnectBlocking(false).catch((error) => this.emit('error', error))
  }

  /**
   * Ends what goes on where `close` does not come to its end: BullMQ renews locks until then, though there are none, and its
   * connection for the blocking read goes on trying. A process would not end by itself.
   */
  abandon(): void {
    void this.lockManager.close()
    const { backend } = this
    // A wait that is overdue, or a wait for the connection, would have it connected anew, and then for ever.
    backend.reconnectBlocking = async () => {}
    const { _client: client } = (backend.blockingConnection ?? {}) as BlockingConnectionInside
    if (client === undefined) return
    client.options.retryStrategy = () => null
    client.on('ready', () => client.disconnect())
    client.disconnect()
  }

  /** The job that was fetched as another was given back, as `moveToActive` would make it of the reply. */
  #jobOf(reply: FetchReply, asked: readonly unknown[], token: string): Promise<Job | undefined> {
    this.#note(reply, asked)
    const [hash, jobId, limitDelay, delayUntil] = reply
    const inside = this as unknown as WorkerInside
    inside.updateDelays(limitDelay, delayUntil)
    if (Array.isArray(hash)) inside.blockUntil = 1
    return this.nextJobFromJobData(hash === 0 ? undefined : (hash as never), String(jobId), token)
  }

  #note([hash, jobId]: FetchReply, asked: readonly unknown[]): void {
    if (Array.isArray(hash)) this.#fetched.set(String(jobId), { hash: toHash(hash), asked })
  }

  /** BullMQ's Job knows its own fields only: the hash is kept as Redis answered it. */
  protected override createBackend(): void {
    super.createBackend()
    const { backend } = this
    const execute = backend.execCommand.bind(backend)
    backend.execCommand = async (client, command, args) => {
      const reply = await execute(client, command, args)
      if (command === 'moveToActive' && Array.isArray(reply)) this.#note(reply as never, args)
      return reply
    }
    const wait = backend.waitForJob.bind(backend)
    backend.waitForJob = async (seconds) => {
      try {
        return await wait(seconds)
      } catch (error) {
        // An error would only have BullMQ's loop pause before it ends.
        if (this.#ending || this.closing !== undefined) return null
        return this.#waitBrokenOff(error as Error)
      }
    }
  }

  /**
   * Where a wait is broken off, BullMQ would wait on for as long as it may, up to ten seconds: what it knew of the next due
   * timer is gone, and so may be the marker. So it looks at once: one fetch.
   */
  async #waitBrokenOff(error: Error): Promise<Marker> {
    this.emit('error', error)
    await this.backend.reconnectBlocking()
    await sleep(this.opts.runRetryDelay)
    return LOOK_NOW
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
    const fetched = this.#fetched.get(jobId)
    this.#fetched.delete(jobId)
    const job: FetchedJob = { id: jobId, token, fetched }
    return job as unknown as Job
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
    const inside = this as unknown as WorkerInside
    try {
      const job = await super.moveToActive(...args)
      if (job !== undefined) inside.blockUntil = 1
      return job
    } catch (error) {
      // The marker that told of it is gone: it would wait for another one, up to ten seconds.
      inside.blockUntil = 1
      throw error
    }
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
