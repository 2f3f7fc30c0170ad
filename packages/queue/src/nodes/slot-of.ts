import { Command } from 'ioredis'

/** By key: it is asked for with every command, and of a few names for each shard. */
const known = new Map<string, number>()

/** The slot of a key that names a shard: that of its hash tag. */
export function slotOf(key: string): number {
  let slot = known.get(key)
  if (slot === undefined) {
    slot = new Command('get', [key]).getSlot()
    known.set(key, slot)
  }
  return slot
}
