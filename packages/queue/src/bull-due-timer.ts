import { setTimeout as sleep } from 'node:timers/promises'
import type { AttemptResult, Claim, Decision, Disposition, DueTimer, Log, Peek, Timer } from '@timers/core'
import { Fence, failedReason } from './fence.ts'
import type { ShardKeys } from './shards.ts'
import { type AttemptEntry, type TimerJob, toEntry, toTimer } from './stored-timer.ts'

/** Pause between tries while Redis is there but refuses (out of memory, disk error, loading), in milliseconds. */
const REFUSED_PAUSE_MS = 250

/** A due timer in the hands of this worker: BullMQ's job and lock token, and the fence around it. */
export class BullDueTimer implements DueTimer {
  readonly timer: Timer
  readonly takenOver: boolean
  readonly #fence: Fence
  readonly #keys: ShardKeys
  readonly #token: string
  readonly #log: Log
  readonly #onGranted: () => void
  readonly #nonce = Fence.nonce()
  /** Attempt that this worker was granted; any other it may only declare interrupted. */
  #granted: number | undefined
  /** The delivered attempt that finishing the job writes down. */
  #last: { readonly attempt: number; readonly result: AttemptResult; readonly decision: Decision } | undefined

  constructor(
    job: TimerJob,
    token: string,
    keys: ShardKeys,
    fence: Fence,
    log: Log,
    onGranted: () => void = () => {},
  ) {
    this.timer = toTimer(job)
    this.takenOver = (job.stalledCounter ?? 0) > 0
    this.#fence = fence
    this.#keys = keys
    this.#token = token
    this.#log = log
    this.#onGranted = onGranted
  }

  peek(): Promise<Peek> {
    return this.#persist('peek', () => this.#fence.peek(this.#keys, this.timer.id, this.#token, Date.now()))
  }

  async claim(): Promise<Claim> {
    const claim = await this.#persist('claim', () =>
      this.#fence.claim(this.#keys, this.timer.id, this.#token, this.#nonce, Date.now()),
    )
    if (claim.kind === 'granted') {
      this.#granted = claim.attempt
      this.#onGranted()
    }
    return claim
  }

  /** What finishing the job is to carry; null where everything is written down. */
  get carried(): AttemptEntry | null {
    return this.#last === undefined ? null : toEntry(this.#last.attempt, this.#last.result)
  }

  async record(attempt: number, result: AttemptResult, decision: Decision): Promise<Disposition> {
    if (decision.kind === 'final' && decision.status === 'fired' && attempt === this.#granted) {
      // Finishing the job writes it in the same step.
      this.#last = { attempt, result, decision }
      return { kind: 'finish', status: 'fired' }
    }
    return this.recordNow(attempt, result, decision)
  }

  /** Writes what finishing the job should have carried. */
  async recordCarried(): Promise<void> {
    if (this.#last === undefined) return
    const { attempt, result, decision } = this.#last
    await this.recordNow(attempt, result, decision)
  }

  /** Writes what came of an attempt by a step of its own, whether this worker still holds the job or not. */
  async recordNow(attempt: number, result: AttemptResult, decision: Decision): Promise<Disposition> {
    const nonce = attempt === this.#granted ? this.#nonce : ''
    const recorded = await this.#persist('record', () =>
      this.#fence.record(this.#keys, this.timer.id, this.#token, nonce, attempt, result, decision),
    )
    if (recorded === undefined || !recorded.held) return { kind: 'abandon' }
    if (recorded.status !== undefined) {
      return { kind: 'finish', status: recorded.status, reason: failedReason(result) }
    }
    return { kind: 'delay', until: recorded.nextAt ?? Date.now() }
  }

  /**
   * Tries until Redis takes it. Lost connections are waited out by the connection itself; what comes back as an error
   * is a Redis that is there and refuses for now. Both scripts may run twice without harm.
   */
  async #persist<T>(step: string, call: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await call()
      } catch (error) {
        if (isClosed(error)) throw error
        const { id: timerId, requestId: reqId } = this.timer
        const fields = { timerId, reqId, step, tries, reason: (error as Error).message }
        if (tries === 1) this.#log.warn(fields, 'redis refuses, trying on')
        else this.#log.debug(fields, 'redis refuses, trying on')
        await sleep(REFUSED_PAUSE_MS)
      }
    }
  }
}

/** The connection was closed for good, at the end of a shutdown. */
function isClosed(error: unknown): boolean {
  return error instanceof Error && error.message === 'Connection is closed.'
}
