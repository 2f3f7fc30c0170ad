import { setTimeout as sleep } from 'node:timers/promises'

const INTERVAL_MS = 50

/**
 * Asks again and again until the answer is neither undefined nor false, and gives it. An error counts as "not yet".
 * Rejects after `timeoutMs` with what was waited for, and the last error as the cause.
 */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined | false>,
  timeoutMs = 20_000,
): Promise<T> {
  const giveUpAt = performance.now() + timeoutMs
  let cause: unknown
  for (;;) {
    try {
      const answer = await ask()
      if (answer !== undefined && answer !== false) return answer
    } catch (error) {
      cause = error
    }
    if (performance.now() > giveUpAt) {
      const last = cause instanceof Error ? `: ${cause.message}` : ''
      throw new Error(`Waited ${timeoutMs} ms in vain until ${what}${last}`, { cause })
    }
    await sleep(INTERVAL_MS)
  }
}
