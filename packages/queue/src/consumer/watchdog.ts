import type { Log } from '@timers/core'
import { errorFields } from '../nodes/error-fields.ts'
import type { OverdueTimer } from './overdue.ts'

const LOOK_EVERY_MS = 2_000
const DEFAULT_STUCK_AFTER_MS = 10_000

export interface WatchdogOptions {
  readonly log: Log
  /** How long the oldest due timer may wait, with free hands and nothing being taken, in milliseconds. */
  readonly stuckAfterMs?: number
  /** The longest-waiting due timer, as Redis has it. */
  readonly look: () => Promise<OverdueTimer | undefined>
  /** How many timers were taken so far from the queue that this one waits in. */
  readonly taken: (overdue: OverdueTimer) => number
  /** Whether every hand for this queue is full: then waiting is not being stuck. */
  readonly full: (overdue: OverdueTimer) => boolean
  /** What BullMQ complained of last, if anything. */
  readonly cause?: () => string | undefined
  /** Starts the consumer anew. */
  readonly restart: () => Promise<void>
}

/**
 * Looks at Redis itself every two seconds: is a timer overdue while this worker has hands free and takes nothing?
 * Then the consumer is stuck, whatever it says of itself, and is started anew. Delayed jobs that silently stop until
 * a restart are what users of every queue complain about most.
 */
export class Watchdog {
  readonly #options: WatchdogOptions
  readonly #stuckAfterMs: number
  #timer: NodeJS.Timeout | undefined
  #looking = false
  #last: OverdueTimer | undefined
  #takenBefore: number | undefined
  /** Since when nothing was taken although something was due. */
  #idleSince: number | undefined
  #pauseSaid = false

  constructor(options: WatchdogOptions) {
    this.#options = options
    this.#stuckAfterMs = options.stuckAfterMs ?? DEFAULT_STUCK_AFTER_MS
  }

  /** What the last look found. */
  get last(): OverdueTimer | undefined {
    return this.#last
  }

  start(): void {
    this.#timer = setInterval(() => void this.look(), Math.min(LOOK_EVERY_MS, this.#stuckAfterMs / 2))
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** One look, and what follows from it. Never throws. */
  async look(now = Date.now()): Promise<void> {
    if (this.#looking) return
    this.#looking = true
    try {
      this.#last = await this.#options.look()
      await this.#judge(this.#last, now)
    } catch (error) {
      // Redis is away: nothing can be said, and the connections say so themselves.
      this.#idleSince = undefined
      this.#options.log.debug(errorFields(error), 'watchdog could not look')
    } finally {
      this.#looking = false
    }
  }

  async #judge(overdue: OverdueTimer | undefined, now: number): Promise<void> {
    const { log, taken, full, cause, restart } = this.#options
    const before = this.#takenBefore
    this.#takenBefore = overdue && taken(overdue)
    if (overdue === undefined || taken(overdue) !== before || full(overdue)) {
      this.#idleSince = undefined
      this.#pauseSaid = false
      return
    }
    if (overdue.paused) {
      if (!this.#pauseSaid) log.warn({ timerId: overdue.id }, 'timers are due, but their queue is paused')
      this.#pauseSaid = true
      this.#idleSince = undefined
      return
    }
    this.#idleSince ??= now
    if (now - this.#idleSince < this.#stuckAfterMs) return
    log.error(
      { timerId: overdue.id, overdueMs: now - overdue.since, cause: cause?.() },
      'timers are due and none is taken: restarting the consumer',
    )
    this.#idleSince = undefined
    await restart()
  }
}
