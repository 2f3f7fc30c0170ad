import type { Logger } from '@timers/runtime'

const WINDOW_MS = 60_000
const LINES_PER_WINDOW = 10

/** Logs refused logins: the first of each minute line by line, the rest as one number, so that guessing cannot fill a disk. */
export class RefusedLogins {
  readonly #logger: Logger
  #lines = 0
  #unsaid = 0
  #window: NodeJS.Timeout | undefined

  constructor(logger: Logger) {
    this.#logger = logger
  }

  add(ip: string, reason: 'wrong name or password' | 'too many attempts'): void {
    this.#window ??= setTimeout(() => this.flush(), WINDOW_MS).unref()
    if (this.#lines === LINES_PER_WINDOW) {
      this.#unsaid += 1
      return
    }
    this.#lines += 1
    this.#logger.warn({ ip, reason }, 'login refused')
  }

  /** Says how many more there were, and begins anew. */
  flush(): void {
    clearTimeout(this.#window)
    this.#window = undefined
    if (this.#unsaid > 0) this.#logger.warn({ refused: this.#unsaid }, 'more logins refused')
    this.#lines = 0
    this.#unsaid = 0
  }
}
