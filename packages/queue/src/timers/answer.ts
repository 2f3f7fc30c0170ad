import { ANSWER_TIMEOUT_MS } from '../nodes/redis-client.ts'
import type { Shard } from '../shards/shards.ts'
import { toStoreError, unavailable } from './store-error.ts'

/** All that one answer takes: together no longer than it may, whatever Redis does, and in the words of the port. */
export async function answer<T>(shard: Shard, work: () => Promise<T>): Promise<T> {
  if (!shard.verified) throw unavailable()
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(unavailable(new Error('no answer in time'))), ANSWER_TIMEOUT_MS)
  })
  try {
    return await Promise.race([work(), late])
  } catch (error) {
    throw toStoreError(error)
  } finally {
    clearTimeout(timer)
  }
}
