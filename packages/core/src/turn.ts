import type { Gate, Pass, Turn } from './ports.ts'
import type { Timer } from './timer.ts'

/**
 * A timer's turn at its receiver: given up where its claim has to wait, for that of others does not, and asked for again when
 * the claim is good.
 */
export class TurnAtReceiver implements Turn {
  readonly #gate: Gate
  readonly #timer: Timer
  readonly #now: () => number
  #pass: Pass | undefined
  /** When to ask again, epoch ms. */
  #askAt = 0

  constructor(pass: Pass, timer: Timer, gate: Gate, now: () => number) {
    this.#pass = pass
    this.#timer = timer
    this.#gate = gate
    this.#now = now
  }

  /** Undefined while it was given up. */
  get pass(): Pass | undefined {
    return this.#pass
  }

  giveUp(): void {
    this.leave(undefined)
  }

  async again(): Promise<boolean> {
    if (this.#pass !== undefined) return true
    if (this.#now() < this.#askAt) return false
    const admission = await this.#gate.enter(this.#timer.url, this.#timer.dueAt)
    if (admission.kind === 'go') this.#pass = admission
    else this.#askAt = admission.until
    return admission.kind === 'go'
  }

  /** @param answered whether the receiver did; undefined where nothing was sent */
  leave(answered: boolean | undefined): void {
    this.#pass?.leave(answered)
    this.#pass = undefined
  }
}
