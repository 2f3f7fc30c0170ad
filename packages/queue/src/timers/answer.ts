import { ANSWER_TIMEOUT_MS } from '../nodes/redis-client.ts'
import type { Shard } from '../shards/shards.ts'
import { partUnavailable, toStoreError, unavailable } from './store-error.ts'

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
  if (!shard.verified) throw shard.away
  return shard
}

/**
 * For an answer about all shards: one that cannot be whole must not pretend to be.
 *
 * @throws TimerError `STORE_UNAVAILABLE` at once, where the server of one was not found fit
 */
export function checkedAll(shards: readonly Shard[]): void {
  const away = shards.filter(({ verified }) => !verified).length
  if (away > 0) throw away === shards.length ? unavailable() : partUnavailable('all')
}
