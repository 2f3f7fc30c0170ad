import { Command } from 'ioredis'

/** The slot of a key: that of its hash tag, where it has one. */
export function slotOf(key: string): number {
  return new Command('get', [key]).getSlot()
}
