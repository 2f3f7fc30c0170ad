import { ANSWER_TIMEOUT_MS } from '../nodes/redis-client.ts'
import type { Shard } from '../shards/shards.ts'
import { toStoreError, unavailable } from './store-error.ts'

/** All that one answer takes: together no longer than it may, whatever Redis does, and in the words of the port. */
export async function answer<T>(work: () => Promise<T>, withinMs = ANSWER_TIMEOUT_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(unavailable(new Error('no answer in time'))), withinMs)
  })
  try {
    return await Promise.race([work(), late])
  } catch (error) {
    throw toStoreError(error)
  } finally {
    clearTimeout(timer)
  }
}

/**
 * A shard that can be asked.
 *
 * @throws TimerError `STORE_UNAVAILABLE` at once, where its server was not found fit
 */
export function checked(shard: Shard): Shard {
  if (!shard.verified) throw unavailable()
  return shard
}
