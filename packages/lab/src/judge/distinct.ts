import type { Redrive } from './answers.ts'

/** How many attempts were asked for: once for each idempotency key, however often it was sent. */
export function distinct(redrives: readonly Redrive[]): number {
  const keys = redrives.flatMap(({ idempotencyKey }) => idempotencyKey ?? [])
  return redrives.length - keys.length + new Set(keys).size
}
