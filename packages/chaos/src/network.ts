import type { Faults, ProxyMode } from '@timers/lab'

export type NetworkFault = { readonly mode: ProxyMode } | { readonly delayMs: number } | 'cut'

const CUT_EVERY_MS = 200

/** The way of one process to one Redis. Of several faults at a time the youngest mode counts, and the longest delay. */
export class Line {
  readonly #network: Faults
  readonly #modes: ProxyMode[] = []
  readonly #delays: number[] = []
  #applied: Promise<void> = Promise.resolve()

  constructor(network: Faults) {
    this.#network = network
  }

  /** @returns heals it */
  async break(fault: NetworkFault): Promise<() => Promise<void>> {
    if (fault === 'cut') {
      let pending = false
      const cut = async (): Promise<void> => {
        if (pending) return
        pending = true
        await this.#network.cutReplies()
        pending = false
      }
      void cut()
      const timer = setInterval(() => void cut(), CUT_EVERY_MS)
      return async () => clearInterval(timer)
    }
    if ('delayMs' in fault) return this.#during(this.#delays, fault.delayMs)
    return this.#during(this.#modes, fault.mode)
  }

  /**
   * Lets commands through and holds their replies back.
   *
   * @returns loses those replies for good, with their connections
   */
  async holdReplies(): Promise<() => Promise<void>> {
    const heal = await this.#during<ProxyMode>(this.#modes, 'hold-replies')
    return () => {
      this.#network.dropConnections()
      return heal()
    }
  }

  async #during<T>(present: T[], one: T): Promise<() => Promise<void>> {
    present.push(one)
    await this.#apply()
    return () => {
      present.splice(present.lastIndexOf(one), 1)
      return this.#apply()
    }
  }

  #apply(): Promise<void> {
    this.#network.setDelay(Math.max(0, ...this.#delays))
    this.#applied = this.#applied.then(() => this.#network.setMode(this.#modes.at(-1) ?? 'forward'))
    return this.#applied
  }
}
