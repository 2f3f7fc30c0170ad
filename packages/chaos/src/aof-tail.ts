import { appendFile, stat, truncate } from 'node:fs/promises'
import { lastAofFile } from '@timers/local-redis'

/** What a last record looks like that was never finished, and so never acknowledged. */
const TAILS: readonly string[] = [
  command('SET', 'timers:chaos', 'cut off in the middle').slice(0, -12),
  command('SET', 'timers:chaos', 'x').slice(0, 3),
  // A script's commands are one record: all of them or none.
  command('MULTI') + command('SET', 'timers:chaos', 'cut off before the end of a transaction'),
  `${command('MULTI')}${command('SET', 'timers:chaos', '1')}${command('INCR', 'timers:chaos').slice(0, -4)}`,
]

/** How far the AOF had been written. */
export interface AofMark {
  readonly file: string
  readonly size: number
}

export async function markAof(dataDir: string): Promise<AofMark> {
  const file = lastAofFile(dataDir)
  if (file === undefined) throw new Error(`There is no AOF in ${dataDir}`)
  return { file, size: (await stat(file)).size }
}

export interface CutTail {
  readonly note: string
  /** Takes added bytes away again, should Redis have cut its own last record short already. */
  undo(): Promise<void>
}

/**
 * Cuts the AOF of a Redis that is down short, somewhere in what no one was told of: after `heldAt`, from which on all
 * replies were held back. Where nothing was written after that, or no replies were held back, a record that is cut short
 * is added.
 */
export async function cutTail(dataDir: string, dice: number, heldAt: AofMark | undefined): Promise<CutTail> {
  const now = await markAof(dataDir)
  if (heldAt !== undefined && heldAt.file === now.file && heldAt.size < now.size) {
    const unknown = now.size - heldAt.size
    const kept = Math.floor(((dice * 1_000) % 1) * unknown)
    await truncate(now.file, heldAt.size + kept)
    return { note: `kept ${kept} of ${unknown} bytes that no one was told of`, undo: async () => {} }
  }
  await appendFile(now.file, TAILS[Math.floor(dice * TAILS.length)] as string)
  return { note: 'a record cut short was added', undo: () => truncate(now.file, now.size) }
}

function command(...words: string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`
}
