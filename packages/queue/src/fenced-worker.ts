import { DelayedError, type Job, Worker, type WorkerOptions } from 'bullmq'
import { ElasticHands, type Hand } from './elastic-hands.ts'
import type { AttemptEntry, TimerData } from './stored-timer.ts'

/** What finishing a job carries into Redis: the attempt that was delivered, where it is not written down yet. */
export type Carried = AttemptEntry | null
type TimerJob = Job<TimerData, Carried>

export interface FencedWorkerHooks {
  readonly process: (job: TimerJob, token: string) => Promise<Carried>
  /** A finished job could not be finished: write down what it carried, however long it takes. */
  readonly unfinished: (job: TimerJob) => Promise<void>
  /** A job was taken (1) or is done with for good (-1). */
  readonly inHand: (change: 1 | -1) => void
}

/** What of BullMQ's Worker is not in its types. */
interface WorkerInside {
  blockUntil: number
  /** The promises that its main loop waits for. */
  mainLoopQueue: { add(job: Promise<undefined>): void } | null
}

/**
 * BullMQ's Worker, with a say in two moments that it keeps to itself.
 *
 * A delivered attempt is written by the very step that finishes the job, which saves a round trip for each fire. Where
 * that step fails (the lock is lost, Redis refuses), the outcome is written on its own, and the job is left alone: its
 * lock runs out, and whoever gets it next finds the final status.
 */
export class FencedWorker extends Worker<TimerData, Carried> {
  readonly #hooks: FencedWorkerHooks
  readonly #hands: ElasticHands
  readonly #inHand = new WeakMap<object, Hand>()

  /** At most `options.concurrency` timers in hand; of them at most `workingHands` that do not only wait. */
  constructor(
    name: string,
    hooks: FencedWorkerHooks,
    options: WorkerOptions & { readonly concurrency: number },
    workingHands: number,
  ) {
    // Started by hand: the hooks are not there yet while the constructor of Worker runs.
    super(name, (job, token) => hooks.process(job, token ?? ''), { ...options, autorun: false })
    this.#hooks = hooks
    this.#hands = new ElasticHands(workingHands, options.concurrency, (limit) => this.#allow(limit))
    this.concurrency = this.#hands.limit
    this.run().catch((error) => this.emit('error', error))
  }

  override async processJob(...args: Parameters<Worker<TimerData, Carried>['processJob']>) {
    this.#hooks.inHand(1)
    const hand = this.#hands.take()
    this.#inHand.set(args[0], hand)
    try {
      return await super.processJob(...args)
    } finally {
      hand.done()
      this.#hooks.inHand(-1)
    }
  }

  /** The request of a timer in hand is about to leave. */
  sending(job: TimerJob): void {
    this.#inHand.get(job)?.sending()
  }

  #allow(limit: number): void {
    const more = limit > this.concurrency
    this.concurrency = limit
    // The main loop looks at its limit only after one of its promises has settled: give it one that has.
    if (more) (this as unknown as WorkerInside).mainLoopQueue?.add(Promise.resolve(undefined))
  }

  /**
   * Starts each timer as soon as it is fetched. BullMQ's loop would first go on fetching, one round trip after the
   * other, until its hands are full or nothing is left; a time to wait until, also one that is past, makes it stop.
   */
  protected override async moveToActive(
    ...args: Parameters<Worker<TimerData, Carried>['moveToActive']>
  ): ReturnType<Worker<TimerData, Carried>['moveToActive']> {
    const job = await super.moveToActive(...args)
    if (job !== undefined) (this as unknown as WorkerInside).blockUntil = 1
    return job
  }

  protected override async handleCompleted(
    ...args: Parameters<Worker<TimerData, Carried>['handleCompleted']>
  ): ReturnType<Worker<TimerData, Carried>['handleCompleted']> {
    const [carried, job] = args
    try {
      return await super.handleCompleted(...args)
    } catch (error) {
      if (carried === null) throw error
      await this.#hooks.unfinished(job)
      throw new DelayedError()
    }
  }
}
