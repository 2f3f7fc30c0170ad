import { setTimeout as sleep } from 'node:timers/promises'

export interface EventuallyOptions {
  readonly timeoutMs?: number
  readonly intervalMs?: number
}

/**
 * Calls `assertion` until it stops throwing, and gives what it returned.
 *
 * When the time is over it throws the last error, with the time waited in front of its message.
 */
export async function eventually<T>(
  assertion: () => T | Promise<T>,
  { timeoutMs = 5_000, intervalMs = 25 }: EventuallyOptions = {},
): Promise<T> {
  const startedAt = performance.now()
  for (;;) {
    try {
      return await assertion()
    } catch (error) {
      const waitedMs = Math.round(performance.now() - startedAt)
      if (waitedMs >= timeoutMs) {
        // An Error of another realm (Jest) is no instance of this one's.
        const last = error as Error
        if (typeof last?.message === 'string') last.message = `Still so after ${waitedMs} ms: ${last.message}`
        throw error
      }
    }
    await sleep(intervalMs)
  }
}
