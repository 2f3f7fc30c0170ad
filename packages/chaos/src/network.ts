import { type ProxyMode, stablePort, startTcpProxy, type TcpProxy } from '@timers/lab'

export type NetworkFault = { readonly mode: ProxyMode } | { readonly delayMs: number } | 'cut'

const CUT_EVERY_MS = 200

/** The way of one process to Redis. Of several faults at a time the youngest mode counts, and the longest delay. */
export class Line {
  readonly #proxy: TcpProxy
  readonly #modes: ProxyMode[] = []
  readonly #delays: number[] = []
  #applied: Promise<void> = Promise.resolve()

  private constructor(proxy: TcpProxy) {
    this.#proxy = proxy
  }

  static async to(targetPort: number): Promise<Line> {
    return new Line(await startTcpProxy({ targetPort, port: await stablePort() }))
  }

  get port(): number {
    return this.#proxy.port
  }

  /** @returns heals it */
  async break(fault: NetworkFault): Promise<() => Promise<void>> {
    if (fault === 'cut') {
      let pending = false
      const cut = async (): Promise<void> => {
        if (pending) return
        pending = true
        await this.#proxy.cutReplies()
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
      this.#proxy.dropConnections()
      return heal()
    }
  }

  close(): Promise<void> {
    return this.#proxy.close()
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
    this.#proxy.setDelay(Math.max(0, ...this.#delays))
    this.#applied = this.#applied.then(() => this.#proxy.setMode(this.#modes.at(-1) ?? 'forward'))
    return this.#applied
  }
}
