import { setTimeout as sleep } from 'node:timers/promises'

/** Waits before the second, third... try, in milliseconds. */
export const TRY_AGAIN_AFTER_MS = [300, 1_000, 2_500]

/** Asks again, at another API, as long as the answer leaves something open. */
export async function tryAgain<T>(ask: () => Promise<T>, isOpen: (answer: T) => boolean): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    const answer = await ask()
    const waitMs = TRY_AGAIN_AFTER_MS[tries]
    if (!isOpen(answer) || waitMs === undefined) return answer
    await sleep(waitMs)
  }
}

/** Asks so many times at once. */
export function all<T>(count: number, ask: (nth: number) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, nth) => ask(nth)))
}

/** Waits for an instant, epoch ms; one that is past is now. */
export async function until(at: number): Promise<void> {
  const waitMs = at - Date.now()
  if (waitMs > 0) await sleep(waitMs)
}
