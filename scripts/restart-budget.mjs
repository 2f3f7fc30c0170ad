import { setTimeout as sleep } from 'node:timers/promises'

const DELAY_MS = 1_000
const MAX_RESTARTS = 5
const WINDOW_MS = 60_000

/** How often something that dies is started again: a second later each time, five times a minute, then no more. */
export class RestartBudget {
  /** @type {number[]} epoch milliseconds */
  #restarts = []

  /** Takes one restart from the budget. False: it is used up. */
  take() {
    const now = Date.now()
    this.#restarts = [...this.#restarts.filter((at) => at > now - WINDOW_MS), now]
    return this.#restarts.length <= MAX_RESTARTS
  }

  /** Waits as long as is due before a restart. */
  async pause() {
    await sleep(DELAY_MS)
  }
}
