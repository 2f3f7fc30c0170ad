import { type Child, startChild } from './child.ts'

/** What arrived, in the order of arrival: ids of timers, and epoch milliseconds. */
export interface Arrivals {
  readonly ids: Float64Array
  readonly at: Float64Array
}

/** Length of the URLs that timers are made with, as in the goals. */
const URL_LENGTH = 88

/** The webhook receiver, in a process of its own. */
export class Receiver {
  readonly url: string
  readonly #child: Child

  private constructor(child: Child, port: number) {
    this.#child = child
    this.url = `http://127.0.0.1:${port}/hooks/`.padEnd(URL_LENGTH, 'x')
  }

  /** @param answerAfterMs how long it takes to answer */
  static async start({ answerAfterMs = 0 } = {}): Promise<Receiver> {
    const child = startChild('receiver')
    return new Receiver(child, await child.ask<number>('listen', { answerAfterMs }))
  }

  /** Forgets what was. `recording` keeps ids and times, not only the count. */
  async reset({ recording = true } = {}): Promise<void> {
    await this.#child.ask('record', { recording })
  }

  count(): Promise<number> {
    return this.#child.ask('count')
  }

  /** Throws when fewer came within the time. */
  async until(arrivals: number, timeoutMs = 60_000): Promise<void> {
    const count = await this.#child.ask<number>('until', { arrivals, timeoutMs })
    if (count < arrivals) throw new Error(`${count} of ${arrivals} webhooks arrived within ${timeoutMs} ms`)
  }

  arrivals(): Promise<Arrivals> {
    return this.#child.ask('arrivals')
  }

  get pid(): number {
    return this.#child.pid
  }

  stop(): Promise<void> {
    return this.#child.stop()
  }
}
