import type { Installation } from '@timers/lab'

/*
 * What the tests read and break in Redis behind the services' back. The field `ca` of a job is the claim: see
 * packages/queue/src/timers/stored-timer.ts.
 */

/** Timers that a worker has taken out of the queue and has not claimed. */
export async function takenAndUnclaimed({ redis }: Installation): Promise<number[]> {
  const taken = await redis.command(
    'EVAL',
    `local found = {}
    for _, id in ipairs(redis.call('LRANGE', KEYS[1] .. 'active', 0, -1)) do
      if redis.call('HEXISTS', KEYS[1] .. id, 'ca') == 0 then found[#found + 1] = string.sub(id, 2) end
    end
    return found`,
    '1',
    'timers:{0}:',
  )
  return (taken as string[]).map(Number)
}

/** Takes the fence of a timer out of the way: whoever runs it next finds no claim. */
export async function removeClaim({ redis }: Installation, id: number): Promise<void> {
  const removed = await redis.command('HDEL', `timers:{0}:t${id}`, 'ca')
  if (removed !== 1) throw new Error(`Timer ${id} was not claimed`)
}
