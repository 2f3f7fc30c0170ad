import type { AttemptResult, Decision, TimerStatus } from '@timers/core'
import type { Hand } from './rig.ts'

/** What a worker does that a test plays, and what it remembers. */
export interface Played extends Hand {
  /** Attempt that it was granted. */
  granted: number | undefined
  /** Attempt that it found claimed by another. */
  found: number | undefined
  /** Whether it has written an outcome: it asks for nothing any more. */
  told: boolean
}

/** A timer as it must be, whatever order commands came in. */
export interface Expected {
  readonly id: number
  status: TimerStatus
  readonly mode: 'at_most_once' | 'at_least_once'
  readonly key: string | undefined
  /** Whether somebody is told of each of its ends. */
  readonly told: boolean
  readonly callback: boolean
  payload: string | undefined
  dueAt: number
  made: number
  nextAt: number | undefined
  expiresInMs: number | undefined
  /** From when an expiry counts, after a redrive or a change of the time. */
  expiryFrom: number | undefined
  /** In whose hands it is. */
  holder: Played | undefined
  /** Who was granted the attempt that is under way. */
  claimer: Played | undefined
  /** Who was given up for lost, and what it says still decides. */
  doubted: Played | undefined
  /** Attempts that were declared interrupted, with who may still tell of them. */
  readonly interrupted: Map<number, Played>
  gone: boolean
}

export const isFinal = (status: TimerStatus): boolean => status !== 'pending' && status !== 'firing'

/** The simplest description of a timer's life that there is: packages/core/src/timer.ts, as a few lines of code. */
export class Life {
  readonly timers = new Map<number, Expected>()
  readonly keys = new Map<string, number>()
  /** Callbacks that were written down. */
  announced = 0

  add(timer: Pick<Expected, 'id' | 'mode' | 'payload' | 'dueAt'> & Partial<Expected>): Expected {
    const expected: Expected = {
      status: 'pending',
      key: undefined,
      told: false,
      callback: false,
      made: 0,
      nextAt: undefined,
      expiresInMs: undefined,
      expiryFrom: undefined,
      holder: undefined,
      claimer: undefined,
      doubted: undefined,
      interrupted: new Map(),
      gone: false,
      ...timer,
    }
    this.timers.set(expected.id, expected)
    if (expected.key !== undefined) this.keys.set(expected.key, expected.id)
    return expected
  }

  withKey(key: string): Expected | undefined {
    return this.timers.get(this.keys.get(key) ?? 0)
  }

  isUnfinished(timer: Expected | undefined): timer is Expected {
    return timer !== undefined && !timer.gone && !isFinal(timer.status)
  }

  end(timer: Expected, status: TimerStatus): void {
    if (timer.told && timer.status !== status) this.announced += 1
    timer.status = status
    timer.nextAt = undefined
    timer.claimer = undefined
  }

  cancel(timer: Expected): void {
    this.end(timer, 'cancelled')
    timer.holder = undefined
    timer.doubted = undefined
  }

  change(timer: Expected, change: { readonly payload?: string; readonly dueAt?: number }): void {
    if (change.payload !== undefined) timer.payload = change.payload
    if (change.dueAt !== undefined) {
      timer.dueAt = change.dueAt
      timer.nextAt = undefined
      timer.expiryFrom = undefined
    }
    timer.holder = undefined
    timer.doubted = undefined
  }

  redrive(timer: Expected, at: number): void {
    timer.status = 'pending'
    timer.nextAt = at
    if (timer.made > 0) timer.expiryFrom = at
    timer.doubted = undefined
    if (timer.key !== undefined) this.keys.set(timer.key, timer.id)
  }

  /** What a claim finds, as far as it matters. */
  claims(timer: Expected, hand: Played, now: number): 'granted' | 'taken' | 'expired' | 'early' | 'nothing' {
    if (timer.gone) return 'nothing'
    if (timer.status === 'firing' && timer.claimer === hand) return 'granted'
    if (timer.status === 'unknown' && timer.doubted === hand) return 'granted'
    if (timer.holder !== hand || isFinal(timer.status)) return 'nothing'
    if (timer.status === 'firing') return 'taken'
    const { expiresInMs } = timer
    if (expiresInMs !== undefined && now > (timer.expiryFrom ?? timer.dueAt) + expiresInMs) return 'expired'
    return timer.nextAt !== undefined && timer.nextAt > now ? 'early' : 'granted'
  }

  grant(timer: Expected, hand: Played): void {
    if (timer.status !== 'pending') return
    timer.status = 'firing'
    timer.claimer = hand
    timer.doubted = undefined
  }

  expire(timer: Expected): void {
    this.end(timer, 'expired')
    timer.holder = undefined
    timer.doubted = undefined
  }

  settle(timer: Expected, hand: Played, attempt: number, result: AttemptResult, decision: Decision): void {
    if (timer.gone) return
    if (attempt > timer.made) {
      timer.made = attempt
      if (result.outcome === 'interrupted' && timer.claimer !== undefined) {
        timer.interrupted.set(attempt, timer.claimer)
        timer.doubted = timer.claimer
      }
      this.#follow(timer, decision)
    } else if (hand.granted === attempt && timer.interrupted.get(attempt) === hand) {
      timer.interrupted.delete(attempt)
      if (timer.doubted === hand) {
        timer.doubted = undefined
        const sendsAgain = timer.status === 'unknown' && decision.kind === 'retry'
        this.#follow(timer, sendsAgain ? { kind: 'final', status: 'failed' } : decision)
      }
    }
    if (timer.holder === hand) timer.holder = undefined
  }

  #follow(timer: Expected, decision: Decision): void {
    if (decision.kind === 'final') {
      this.end(timer, decision.status)
      return
    }
    timer.status = 'pending'
    timer.claimer = undefined
    timer.nextAt = decision.at
  }
}
