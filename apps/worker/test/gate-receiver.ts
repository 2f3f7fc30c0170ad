import type { Admission } from '@timers/core'
import type { ReceiverGate } from '../src/gate/receiver-gate.ts'

const TIMEOUT_MS = 15_000

/** What becomes of a request that is sent now: how long it takes, and whether it is answered. */
export type Behaviour = () => { readonly tookMs: number; readonly answered: boolean }

/** Never answers, so each request ends with its time-out. */
export const silently: Behaviour = () => ({ tookMs: TIMEOUT_MS, answered: false })
export const within =
  (tookMs: number): Behaviour =>
  () => ({ tookMs, answered: true })

/**
 * Does something at a later time of the simulation. That time is Jest's fake clock (`jest.useFakeTimers`), which stands still
 * until the test steps it by hand with `jest.advanceTimersByTime`: nobody waits, and a minute passes within milliseconds.
 */
export const onFakeClock = (afterMs: number, happens: () => void): NodeJS.Timeout =>
  setTimeout(happens, afterMs)

/** Timers that come to a gate, wait for their turns as they would in Redis, and are sent: by the fake clock. */
export class Visitors {
  readonly #gate: ReceiverGate
  /** How often the gate was asked, and how often it called a timer back before its turn. */
  asked = 0
  recalled = 0

  constructor(gate: ReceiverGate) {
    this.#gate = gate
  }

  /** One timer; `sent` is told how long it waited for its turn. */
  come(
    url: string,
    behave: Behaviour,
    sent: (waitedMs: number) => void = () => {},
    dueAt = Date.now(),
  ): void {
    const from = Date.now()
    let turn: NodeJS.Timeout
    const ask = () => {
      this.asked += 1
      const admission = this.#gate.enter(url, dueAt)
      if (admission instanceof Promise) void admission.then(take)
      else take(admission)
    }
    const take = (admission: Admission) => {
      if (admission.kind === 'defer') {
        turn = onFakeClock(admission.until - Date.now(), ask)
        admission.gaveBack((at) => {
          this.recalled += 1
          clearTimeout(turn)
          turn = onFakeClock(at - Date.now(), ask)
        })
        return
      }
      admission.sending()
      sent(Date.now() - from)
      const { tookMs, answered } = behave()
      onFakeClock(tookMs, () => admission.leave(answered))
    }
    ask()
  }
}
