import { appendFile, readdir, readFile, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'

/** The file of the AOF that Redis is writing to: the last one that the manifest names. */
export async function lastAofFile(dataDir: string): Promise<string> {
  const folder = join(dataDir, 'appendonlydir')
  const manifest = (await readdir(folder)).find((name) => name.endsWith('.manifest'))
  if (manifest === undefined) throw new Error(`There is no AOF manifest in ${folder}`)
  const lines = (await readFile(join(folder, manifest), 'utf8')).trim().split('\n')
  const name = /^file (\S+)/.exec(lines.at(-1) ?? '')?.[1]
  if (name === undefined) throw new Error(`The AOF manifest in ${folder} names no file`)
  return join(folder, name)
}

/** What a last record looks like that was never finished, and so never acknowledged. */
const TAILS: readonly string[] = [
  command('SET', 'timers:chaos', 'cut off in the middle').slice(0, -12),
  command('SET', 'timers:chaos', 'x').slice(0, 3),
  // A script's commands are one record: all of them or none.
  command('MULTI') + command('SET', 'timers:chaos', 'cut off before the end of a transaction'),
  `${command('MULTI')}${command('SET', 'timers:chaos', '1')}${command('INCR', 'timers:chaos').slice(0, -4)}`,
]

/**
 * Ends the AOF of a Redis that is down with a record that is cut short: bytes of a command that nobody was told had run.
 *
 * @returns takes the bytes away again, should Redis have cut its own last record short already
 */
export async function cutTail(dataDir: string, dice: number): Promise<() => Promise<void>> {
  const file = await lastAofFile(dataDir)
  const { size } = await stat(file)
  await appendFile(file, TAILS[Math.floor(dice * TAILS.length)] as string)
  return () => truncate(file, size)
}

function command(...words: string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`
}
