import { setTimeout as sleep } from 'node:timers/promises'
import { cutTail, markAof } from './aof-tail.ts'

/** A Redis that can be killed and started again on its data. */
export interface Killable {
  readonly dataDir: string
  kill(): Promise<void>
  start(): Promise<void>
}

/** How long commands run whose replies nobody gets. */
const HELD_MS = { least: 20, most: 300 }

/**
 * kill -9, and the same Redis again, with the AOF cut short in between: somewhere in what was written after `holdReplies` had
 * begun to hold back all replies, which are lost for good by what it returns; without it a record that is cut short is added.
 *
 * @returns what was cut, in words
 */
export async function killAndCutTail(
  redis: Killable,
  { ms, dice, holdReplies }: { ms: number; dice: number; holdReplies?: () => Promise<() => Promise<void>> },
): Promise<string> {
  const lose = await holdReplies?.()
  const heldAt = lose && (await markAof(redis.dataDir))
  if (lose !== undefined) await sleep(HELD_MS.least + dice * (HELD_MS.most - HELD_MS.least))
  await redis.kill()
  const { note, undo } = await cutTail(redis.dataDir, dice, heldAt)
  await lose?.()
  await sleep(ms)
  try {
    await redis.start()
    return note
  } catch {
    // Redis was killed in the middle of a record: that is a cut tail by itself, and what follows it cannot be read.
    await undo()
    await redis.start()
    return 'tail was cut by the kill already'
  }
}
