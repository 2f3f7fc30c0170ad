import type { Answer } from './look-up.ts'
import { NameError } from './name-error.ts'

/**
 * Bounds of how long an answer is used, in milliseconds, whatever its TTL says. The floor saves a look-up for every
 * request where the TTL is 0, the ceiling is the longest time for which a receiver that has moved is called at its old
 * address.
 */
const SHORTEST_MS = 1_000
const LONGEST_MS = 300_000
/**
 * How long a failure is used, in milliseconds. Shorter than the shortest pause before a retry (800 ms): no attempt is
 * spent on what an earlier one has found.
 */
const FAILURE_MS = 750

interface Entry {
  readonly result: Answer | NameError
  /** By the monotonic clock, in milliseconds. */
  readonly until: number
}

/** What became of the last look-up of each name. Holds so many names and no more: the one used least recently goes. */
export class NameCache {
  readonly #size: number
  readonly #entries = new Map<string, Entry>()

  constructor(size: number) {
    this.#size = size
  }

  /** What is known and still holds. */
  get(hostname: string): Answer | NameError | undefined {
    const entry = this.#entries.get(hostname)
    if (entry === undefined || performance.now() >= entry.until) return undefined
    this.#entries.delete(hostname)
    this.#entries.set(hostname, entry)
    return entry.result
  }

  /** Whether the last look-up of this name found addresses, however long ago. */
  foundLast(hostname: string): boolean {
    const entry = this.#entries.get(hostname)
    return entry !== undefined && !(entry.result instanceof NameError)
  }

  set(hostname: string, result: Answer | NameError): void {
    const heldMs =
      result instanceof NameError ? FAILURE_MS : Math.min(Math.max(result.ttlMs, SHORTEST_MS), LONGEST_MS)
    this.#entries.delete(hostname)
    this.#entries.set(hostname, { result, until: performance.now() + heldMs })
    const [oldest] = this.#entries.keys()
    if (this.#entries.size > this.#size && oldest !== undefined) this.#entries.delete(oldest)
  }
}
