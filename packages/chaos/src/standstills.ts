import type { Span } from './broken.ts'

const LOOK_EVERY_MS = 50
/** Above what Node's own work comes to here. */
const STILL_MS = 500

/**
 * Times in which this process, which is clients, receivers and network at once, was not run: a machine that others keep
 * busy. What is late then is nobody's fault, and the other processes have waited like this one.
 */
export class Standstills {
  readonly spans: Span[] = []
  readonly #timer: NodeJS.Timeout
  #last = Date.now()

  constructor() {
    this.#timer = setInterval(() => this.#look(Date.now()), LOOK_EVERY_MS)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #look(now: number): void {
    if (now - this.#last > STILL_MS) this.spans.push({ from: this.#last, to: now })
    this.#last = now
  }
}
